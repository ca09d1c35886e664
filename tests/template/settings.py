"""What the functions read from their environment, and how they are built and published."""

import json
import re
from functools import cache

from deployed import ROOT

CRATES = {
    "DriftAlarm": "drift-alarm",
    "DataArrival": "data-arrival",
    "ExecutionStatus": "execution-status",
    "ModelApproval": "model-approval",
    "Reconciler": "reconciler",
}
MEMORY_MB = {"DataArrival": 1024}
# A new value of these reaches a function with its next version only, which does no harm.
WITH_THE_NEXT_VERSION = {"Architecture", "Tracing"}


@cache
def variables():
    """The names of the environment variables that the code reads."""
    folder = ROOT / "crates/retrain-lambda/src"
    listed = re.search(
        r"const VARIABLES: \[&'static str; \d+\] = \[(.*?)\];",
        (folder / "settings.rs").read_text(encoding="utf-8"),
        re.DOTALL,
    )
    read = re.findall(
        r'env::var\("(\w+)"\)', (folder / "telemetry.rs").read_text(encoding="utf-8")
    )
    return set(re.findall(r'"(\w+)"', listed.group(1))) | set(read)


def problems(stack):
    """Settings that do not fit the code or each other."""
    needed = variables()
    for name, function in stack.of_type("AWS::Lambda::Function").items():
        given = function.get("Environment", {}).get("Variables", {})
        if set(given) != needed:
            yield f"{name} has the variables {sorted(given)}, reads {sorted(needed)}"
        if given.get("RETRAIN_FUNCTION_TIMEOUT") != f"{function['Timeout']}s":
            yield f"{name} is told another timeout than its {function['Timeout']} s"
        if given.get("RETRAIN_TABLE") != "<Table>":
            yield f"{name} is told another table"
        if given.get("RETRAIN_POLICY_PATH") != "/retrain/policies":
            yield f"{name} is told another path of policies"
        if given.get("RETRAIN_POLICY_BUNDLE") != "":
            yield f"{name} reads a bundle of policies that nobody has asked for"
        registry = "arn:aws:sagemaker:us-east-1:111122223333:model-package"
        if given.get("RETRAIN_MODEL_PACKAGES") != registry:
            yield f"{name} is told another registry"
        fixed = {
            "FunctionName": f"retrain-{CRATES[name]}",
            "Runtime": "provided.al2023",
            "Handler": "bootstrap",
            "Architectures": [stack.parameters["Architecture"]],
            "TracingConfig": {"Mode": stack.parameters["Tracing"]},
            "MemorySize": MEMORY_MB.get(name, 256),
            "LoggingConfig": {"LogGroup": f"/aws/lambda/retrain-{CRATES[name]}"},
        }
        for key, value in fixed.items():
            if function.get(key) != value:
                yield f"{name} has {key} {function.get(key)}"
        unpublished = parameters_in(stack.template["Resources"][name], stack)
        for parameter in sorted(unpublished - WITH_THE_NEXT_VERSION):
            yield f"a new {parameter} would reach no published version of {name}"
    for name, logs in stack.of_type("AWS::Logs::LogGroup").items():
        if logs.get("RetentionInDays") != stack.parameters["LogRetentionDays"]:
            yield f"{name} keeps its logs for ever"


def built(template):
    """Functions that cargo-lambda would not build, or whose changes SAM would not publish."""
    functions = {
        name: resource
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    for name, function in functions.items():
        if function.get("Metadata") != {"BuildMethod": "rust-cargolambda"}:
            yield f"{name} is not built by cargo-lambda"
        if function["Properties"].get("CodeUri") != f"crates/{CRATES[name]}":
            yield f"{name} is built of {function['Properties'].get('CodeUri')}"
        if function["Properties"].get("AutoPublishAliasAllProperties") is not True:
            yield f"{name} does not publish a changed setting"


def parameters_in(resource, stack):
    """The template's parameters that a resource mentions."""
    text = json.dumps(resource["Properties"])
    mentioned = set(re.findall(r'"Ref": "(\w+)"', text)) | set(re.findall(r"\$\{(\w+)\}", text))
    return mentioned & set(stack.parameters)
