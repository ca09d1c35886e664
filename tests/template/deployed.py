"""The template as CloudFormation deploys it: translated by SAM, with its functions resolved.

What only AWS knows stays a name in angle brackets, such as `<Table.Arn>`.
"""

import copy
import logging
import re
from pathlib import Path

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parents[2]
REGION, ACCOUNT, STACK = "us-east-1", "111122223333", "retrain"
PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::StackName": STACK,
    "AWS::URLSuffix": "amazonaws.com",
}

# What the sample events need.
FULL = {
    "AlarmNames": "fraud-detection-*",
    "PipelineNames": "fraud-detection-*",
    "CodePipelineNames": "fraud-detection-retraining",
    "ModelPackageGroupNames": "fraud-detection*",
    "RegistryAccountIds": "444455556666",
    "ReportObjects": "fraud-detection-reports/*",
    "EndpointNames": "fraud-detection-*",
    "MonitoringScheduleNames": "fraud-detection-*",
    "MonitoringRoleArns": "<monitoring role>",
    "DataBucketNames": "fraud-detection-data",
    "DataKeys": "training/*",
    "ManifestObjects": "fraud-detection-manifests/*",
    "PolicyBundle": "fraud-detection-policies/retrain.jsonl.gz",
    "TrainingDataParameters": "/fraud-detection/training-data-uri",
    "KmsKeyArns": "<key one>,<key two>",
    "NotificationEmail": "ana@example.com",
    "Tracing": "Active",
}
# No more than must be given.
LEAN = {"AlarmNames": "drift-*", "PipelineNames": "*"}

_NOTHING = object()

# It warns of metrics and toggles of its own makers.
logging.getLogger("samtranslator").setLevel(logging.ERROR)


def source(path=ROOT / "template.yaml"):
    """The template as it is written, with long names for CloudFormation's functions."""
    return yaml_parse(path.read_text(encoding="utf-8"))


def translate(template, parameters):
    """Plain CloudFormation, as SAM makes it of the template."""
    template = copy.deepcopy(template)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/code"
    session = boto3.session.Session(region_name=REGION)
    return Translator({}, Parser(), None, session).translate(template, dict(parameters))


class Stack:
    """A stack of a translated template."""

    def __init__(self, translated, parameters):
        self.template = translated
        self.parameters = self._parameters(parameters)
        self._conditions = self.template.get("Conditions", {})
        self.resources = {
            name: resource
            for name, resource in self.template["Resources"].items()
            if "Condition" not in resource or self.holds(resource["Condition"])
        }
        self.outputs = self.template.get("Outputs", {})

    def _parameters(self, given):
        values = {}
        for name, parameter in self.template["Parameters"].items():
            value = str(given[name] if name in given else parameter["Default"])
            is_list = parameter["Type"] == "CommaDelimitedList"
            values[name] = value.split(",") if is_list else value
        return values

    def of_type(self, kind):
        """The resources of a type, with their properties resolved."""
        return {
            name: self.resolve(resource.get("Properties", {}))
            for name, resource in self.resources.items()
            if resource["Type"] == kind
        }

    def holds(self, condition):
        """Whether a condition of the template does."""
        return self.resolve(self._conditions[condition])

    def resolve(self, value):
        """The value with CloudFormation's functions worked out."""
        if isinstance(value, list):
            parts = (self._resolve(part) for part in value)
            return [part for part in parts if part is not _NOTHING]
        return self._resolve(value)

    def _resolve(self, value):
        if isinstance(value, list):
            return self.resolve(value)
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (name, operand), = value.items()
            function = self._FUNCTIONS.get(name)
            if function is not None:
                return function(self, operand)
        parts = {name: self._resolve(part) for name, part in value.items()}
        return {name: part for name, part in parts.items() if part is not _NOTHING}

    def _ref(self, name):
        if name == "AWS::NoValue":
            return _NOTHING
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.parameters:
            return self.parameters[name]
        resource = self.template["Resources"][name]
        for own in ("FunctionName", "LogGroupName", "Name"):
            if own in resource.get("Properties", {}) and "Alias" not in resource["Type"]:
                return self.resolve(resource["Properties"][own])
        return f"<{name}>"

    def _attribute(self, operand):
        name, attribute = operand.split(".", 1) if isinstance(operand, str) else operand
        resource = self.template["Resources"][name]
        if resource["Type"] == "AWS::Events::Rule" and attribute == "Arn":
            return f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{self._ref(name)}"
        return f"<{name}.{attribute}>"

    def _sub(self, operand):
        text, own = operand if isinstance(operand, list) else (operand, {})

        def value(match):
            name = match.group(1)
            if name in own:
                return str(self.resolve(own[name]))
            return str(self._attribute(name) if "." in name else self._ref(name))

        return re.sub(r"\$\{([^!}]+)\}", value, text)

    _FUNCTIONS = {
        "Ref": _ref,
        "Fn::GetAtt": _attribute,
        "Fn::Sub": _sub,
        "Fn::If": lambda self, of: self._resolve(of[1] if self.holds(of[0]) else of[2]),
        "Fn::ImportValue": lambda self, of: f"<{self.resolve(of)}>",
        "Fn::Join": lambda self, of: of[0].join(self.resolve(of[1])),
        "Fn::Split": lambda self, of: self.resolve(of[1]).split(of[0]),
        "Fn::Equals": lambda self, of: self.resolve(of[0]) == self.resolve(of[1]),
        "Fn::Not": lambda self, of: not self.resolve(of[0]),
        "Fn::And": lambda self, of: all(self.resolve(one) for one in of),
        "Condition": lambda self, of: self.holds(of) if isinstance(of, str) else {
            "Condition": self._resolve(of)
        },
    }
