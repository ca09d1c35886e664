"""The templates of the reference loop, with their functions resolved."""

import json
import re

from samtranslator.yaml_helper import yaml_parse

import deployed

EXAMPLE = deployed.ROOT / "examples/fraud-detection"
TEMPLATES = sorted(path.stem for path in (EXAMPLE / "templates").glob("*.yaml"))
# As long as they are in AWS: an action's configuration has a limit.
KEY = f"arn:aws:kms:us-east-1:111122223333:key/{'0' * 36}"
ROLE = f"arn:aws:iam::111122223333:role/fraud-detection-training-JobRole-{'0' * 12}"
TOPIC = f"arn:aws:sns:us-east-1:111122223333:fraud-detection-release-Approvals-{'0' * 12}"
DIGEST = f"111122223333.dkr.ecr.us-east-1.amazonaws.com/fraud-detection@sha256:{'0' * 64}"

# What a team would give, with everything that can be left out.
GIVEN = {
    "cloudformation-role": {},
    "training": {
        "DefinitionBucket": "fraud-detection-releases-111122223333",
        "DefinitionKey": "fraud-detection/definition.json",
        "DefinitionVersion": "1",
        "ControllerRoleArns": ROLE,
        "SharedWithAccountIds": "444455556666",
    },
    "pipeline": {
        "ConnectionArn": "arn:aws:codeconnections:us-east-1:111122223333:connection/1",
        "Repository": "team/fraud",
        "BaseImage": DIGEST,
        "JobRoleArn": ROLE,
        "KeyArn": KEY,
        "ArtifactsBucket": "fraud-detection-artifacts-111122223333",
        "ImagesUri": "111122223333.dkr.ecr.us-east-1.amazonaws.com/fraud-detection",
        "CloudFormationRoleArn": ROLE,
        "NotificationEmail": "ana@example.com",
    },
    "deployment": {
        "Environment": "production",
        "ApprovalTiers": "2",
        "ReleasesBucket": "fraud-detection-releases-111122223333",
        "NotificationTopicArn": TOPIC,
        "KeyArn": KEY,
        "JobRoleArn": ROLE,
        "CloudFormationRoleArn": ROLE,
        "ArtifactsBucket": "fraud-detection-artifacts-111122223333",
        "JobImageUri": DIGEST,
    },
    "endpoint": {
        "Environment": "production",
        "ModelPackageArn": "arn:aws:sagemaker:us-east-1:111122223333:model-package/fraud-detection/1",
        "JobImageUri": DIGEST,
        "JobRoleArn": ROLE,
        "KeyArn": KEY,
        "ArtifactsBucket": "fraud-detection-artifacts-111122223333",
        "NotificationTopicArn": TOPIC,
    },
}


class Stack(deployed.Stack):
    """A stack of one of them. Resources are called by the names that they are given."""

    NAMES = ("BucketName", "PipelineName", "ModelPackageGroupName", "Name", "AlarmName")

    def _ref(self, name):
        resource = self.template["Resources"].get(name, {})
        for own in self.NAMES:
            if own in resource.get("Properties", {}):
                return self.resolve(resource["Properties"][own])
        return super()._ref(name)

    _FUNCTIONS = deployed.Stack._FUNCTIONS | {
        "Ref": _ref,
        # CloudFormation compares texts.
        "Fn::Equals": lambda self, of: str(self.resolve(of[0])) == str(self.resolve(of[1])),
        "Fn::Or": lambda self, of: any(self.resolve(one) for one in of),
    }


def template(name):
    """A template as it is written."""
    path = EXAMPLE / "templates" / f"{name}.yaml"
    return yaml_parse(path.read_text(encoding="utf-8"))


def stack(name, **changed):
    """A stack of a template."""
    return Stack(template(name), GIVEN[name] | changed)


def stages(of):
    """The stages of the only pipeline of a stack, with their actions, by name."""
    (pipeline,) = of.of_type("AWS::CodePipeline::Pipeline").values()
    return {
        stage["Name"]: {action["Name"]: action for action in stage["Actions"]}
        for stage in pipeline["Stages"]
    }


def actions(of):
    """All actions of the pipeline of a stack."""
    return [action for stage in stages(of).values() for action in stage.values()]


DEFINITIONS = ("definition.json", "definition-tuning.json")


def definition(name="definition.json"):
    """The training pipeline's definition, or its variant that tunes."""
    return read_json(f"pipeline/{name}")


def steps(listed):
    """All steps of a definition, those in the branches of conditions too."""
    for step in listed:
        yield step
        yield from steps(step["Arguments"].get("IfSteps", []))
        yield from steps(step["Arguments"].get("ElseSteps", []))


def read_json(path):
    """A document of the example."""
    return json.loads((EXAMPLE / path).read_text(encoding="utf-8"))


def buildspec(name):
    """A buildspec, with its commands by phase."""
    document = yaml_parse((EXAMPLE / "buildspecs" / name).read_text(encoding="utf-8"))
    phases = {name: phase["commands"] for name, phase in document["phases"].items()}
    return document, phases


def variables(commands):
    """The variables in capitals that commands use."""
    return set(re.findall(r"\$\{?([A-Z][A-Z_]+)\b", "\n".join(commands)))


def misfits(value, shape, place=""):
    """What of a request, with expressions of a pipeline in it, is not of the API's shape."""
    if isinstance(value, dict) and len(value) == 1 and set(value) & {"Get", "Std:Join", "Std:JsonGet"}:
        return
    if shape.type_name == "structure":
        for name in set(value) - set(shape.members):
            yield f"{place} has no {name}"
        for name in set(shape.required_members) - set(value):
            yield f"{place} lacks {name}"
        for name in set(value) & set(shape.members):
            yield from misfits(value[name], shape.members[name], f"{place}.{name}")
    elif shape.type_name == "list":
        for number, one in enumerate(value):
            yield from misfits(one, shape.member, f"{place}[{number}]")
    elif shape.type_name == "map":
        for name, one in value.items():
            yield from misfits(one, shape.value, f"{place}.{name}")
    elif shape.type_name == "string":
        if not isinstance(value, str) or (shape.enum and value not in shape.enum):
            yield f"{place} is {value!r}"
    elif not isinstance(value, (int, float)):
        yield f"{place} is {value!r}"
