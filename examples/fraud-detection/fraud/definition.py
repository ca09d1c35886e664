"""Fills in and checks the pipeline's definition before it is given to SageMaker.

`CreatePipeline` refuses some mistakes, others show in the first execution, and some never:
a cached step that sees nothing of the start that asked for it gives each start the same old
model. The rules are those of the published schema of definitions and of the API.
"""

import argparse
import json
import re
import string
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

STEP_TYPES = {
    "AutoML", "Callback", "ClarifyCheck", "Condition", "EMR", "EMRServerless", "Fail",
    "Lambda", "Model", "NotebookJob", "Processing", "QualityCheck", "RegisterModel",
    "Training", "Transform", "Tuning",
}  # fmt: skip
PARAMETER_TYPES = {"String": str, "Integer": int, "Float": (int, float), "Boolean": bool}
CONDITIONS = {
    "Equals", "NotEquals", "GreaterThan", "GreaterThanOrEqualTo", "LessThan", "LessThanOrEqualTo",
    "In", "NotIn", "Not", "Or",
}  # fmt: skip
EXECUTION = {
    "PipelineArn", "PipelineExecutionArn", "PipelineExecutionId", "PipelineName",
    "StartDateTime", "CurrentDateTime",
}  # fmt: skip
NAME = re.compile(r"[A-Za-z0-9\-_]{1,64}")
MAX_PARAMETERS, MAX_STEPS = 200, 50
# What tells one start from another, and so what a cached step has to depend on.
OF_A_START = {"Parameters.ControllerToken", "Parameters.ManifestUri"}
# What of a step's arguments the cache looks at. What stands elsewhere, such as in a tag or in the
# place of an output, makes no other step.
CACHED_BY = {
    "Processing": ["AppSpecification", "Environment", "ProcessingInputs"],
    "Training": [
        "AlgorithmSpecification", "CheckpointConfig", "DebugHookConfig", "DebugRuleConfigurations",
        "Environment", "HyperParameters", "InputDataConfig",
    ],
    "Tuning": [
        "HyperParameterTuningJobConfig", "TrainingJobDefinition.AlgorithmSpecification",
        "TrainingJobDefinition.HyperParameterRanges", "TrainingJobDefinition.InputDataConfig",
        "TrainingJobDefinition.StaticHyperParameters", "TrainingJobDefinition.TuningObjective",
        "TrainingJobDefinitions",
    ],
}  # fmt: skip
# What later steps may read of one, where not every name is good.
PROPERTIES = {
    "Training": re.compile(r"ModelArtifacts\.S3ModelArtifacts|TrainingJobName"),
    "Tuning": re.compile(
        r"(BestTrainingJob|TrainingJobSummaries\[\d\d?\])\.TrainingJobName"
        r"|HyperParameterTuningJobName|TrainingJobDefinition\.OutputDataConfig\.S3OutputPath"
    ),
    "RegisterModel": re.compile(r"ModelPackageArn"),
}


def render(text: str, values: dict[str, str]) -> str:
    """The definition with `${NAME}` filled in. A value that is missing is an error."""
    escaped = {name: json.dumps(value)[1:-1] for name, value in values.items()}
    return string.Template(text).substitute(escaped)


def problems(definition: dict[str, Any]) -> Iterator[str]:
    """All that is wrong with a definition."""
    if definition.get("Version") != "2020-12-01":
        yield f"the version is {definition.get('Version')}"
    yield from _parameters(definition.get("Parameters", []))
    every = list(steps(definition["Steps"]))
    if not 1 <= len(every) <= MAX_STEPS:
        yield f"{len(every)} steps"
    known: dict[str, dict[str, Any]] = {}
    for step in every:
        if not NAME.fullmatch(step["Name"]) or step["Name"] in known:
            yield f"step {step['Name']!r} is named badly or twice"
        known[step["Name"]] = step
    parameters = {one["Name"] for one in definition.get("Parameters", [])}
    for step in every:
        for problem in _step(step, known, parameters):
            yield f"step {step['Name']}: {problem}"


def steps(listed: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """All steps, those in the branches of conditions too."""
    for step in listed:
        yield step
        if step["Type"] == "Condition":
            yield from steps(step["Arguments"].get("IfSteps", []))
            yield from steps(step["Arguments"].get("ElseSteps", []))


def _parameters(parameters: list[dict[str, Any]]) -> Iterator[str]:
    names = [parameter["Name"] for parameter in parameters]
    if len(names) > MAX_PARAMETERS or len(set(names)) < len(names):
        yield f"{len(names)} parameters, or one twice"
    for parameter in parameters:
        name, kind = parameter["Name"], parameter.get("Type", "String")
        if not NAME.fullmatch(name):
            yield f"parameter {name!r} is named badly"
        if kind not in PARAMETER_TYPES:
            yield f"parameter {name} has the type {kind}"
        elif "DefaultValue" in parameter and not isinstance(
            parameter["DefaultValue"], PARAMETER_TYPES[kind]
        ):
            yield f"parameter {name} has a default that is no {kind}"


def _step(step: dict[str, Any], known: dict[str, Any], parameters: set[str]) -> Iterator[str]:
    if step["Type"] not in STEP_TYPES:
        yield f"there is no type {step['Type']}"
    for name in step.get("DependsOn", []):
        if name not in known:
            yield f"depends on {name}, which is no step"
    for file in step.get("PropertyFiles", []):
        if file["OutputName"] not in _outputs(step):
            yield f"property file {file['PropertyFileName']} is in no output"
    for condition in _conditions(step["Arguments"].get("Conditions", [])):
        if condition["Type"] not in CONDITIONS:
            yield f"there is no condition {condition['Type']}"
    own = {key: value for key, value in step["Arguments"].items() if not key.endswith("Steps")}
    found = set(_references(own))
    for reference in sorted(found):
        if not _is_known(reference, known, parameters):
            yield f"{reference} refers to nothing"
    if step.get("CacheConfig", {}).get("Enabled"):
        yield from _cached(step)


def _cached(step: dict[str, Any]) -> Iterator[str]:
    if step["Type"] not in CACHED_BY:
        yield f"is cached, which a step of the type {step['Type']} is not here"
        return
    if "ExpireAfter" not in step["CacheConfig"]:
        yield "is cached for ever"
    seen = []
    for path in CACHED_BY[step["Type"]]:
        value = step["Arguments"]
        for name in path.split("."):
            value = value.get(name, {})
        seen.append(value)
    if not OF_A_START & set(_references(seen)):
        yield "is cached and sees nothing of the start that asks for it"


def _conditions(listed: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for condition in listed:
        yield condition
        yield from _conditions(condition.get("Conditions", []))
        if "Expression" in condition:
            yield from _conditions([condition["Expression"]])


def _outputs(step: dict[str, Any]) -> set[str]:
    outputs = step["Arguments"].get("ProcessingOutputConfig", {}).get("Outputs", [])
    return {output["OutputName"] for output in outputs}


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if set(value) == {"Get"}:
            yield value["Get"]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def _is_known(reference: str, known: dict[str, Any], parameters: set[str]) -> bool:
    scope, _, rest = reference.partition(".")
    if scope == "Parameters":
        return rest in parameters
    if scope == "Execution":
        return rest in EXECUTION
    name, _, path = rest.partition(".")
    if scope != "Steps" or name not in known:
        return False
    file = path.removeprefix("PropertyFiles.")
    if file != path:
        return file in {one["PropertyFileName"] for one in known[name].get("PropertyFiles", [])}
    output = re.match(r"ProcessingOutputConfig\.Outputs\['([^']+)'\]", path)
    if output:
        return output.group(1) in _outputs(known[name])
    properties = PROPERTIES.get(known[name]["Type"])
    return properties is None or properties.fullmatch(path) is not None


def main(arguments: list[str] | None = None) -> None:
    """Prints the definition with its values filled in, if nothing is wrong with it."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("definition", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    given = parser.parse_args(arguments)
    values = dict(pair.split("=", 1) for pair in given.set)
    text = render(given.definition.read_text(encoding="utf-8"), values)
    found = list(problems(json.loads(text)))
    if found:
        sys.exit("\n".join(found))
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
