"""The pipeline's definition is one, and the checks see what would be wrong with another."""

import copy
import json
import re
from pathlib import Path

import pytest

from fraud import definition

ROOT = Path(__file__).parents[1]
BOTH = ["definition.json", "definition-tuning.json"]
TEXT = (ROOT / "pipeline" / "definition.json").read_text(encoding="utf-8")
VALUES = {name: f"value-of-{name}" for name in re.findall(r"\$\{(\w+)\}", TEXT)}


@pytest.fixture
def written():
    return json.loads(definition.render(TEXT, VALUES))


def step(document, name):
    return next(one for one in definition.steps(document["Steps"]) if one["Name"] == name)


def rendered(name):
    return json.loads(definition.render((ROOT / "pipeline" / name).read_text("utf-8"), VALUES))


@pytest.mark.parametrize("name", BOTH)
def test_nothing_is_wrong(name):
    assert list(definition.problems(rendered(name))) == []


def test_a_value_that_nobody_gives_is_an_error():
    with pytest.raises(KeyError, match="ImageUri"):
        definition.render(TEXT, {})


def test_a_value_stays_one_text():
    text = definition.render('{"a": "${A}"}', {"A": 'x", "b": "y'})
    assert json.loads(text) == {"a": 'x", "b": "y'}


def breaks(name, change):
    return pytest.param(change, id=name)


@pytest.mark.parametrize(
    "change",
    [
        breaks("version", lambda of: of.update(Version="2021-01-01")),
        breaks("too many parameters", lambda of: of["Parameters"].extend(
            {"Name": f"P{number}", "Type": "String"} for number in range(200))),
        breaks("parameter twice", lambda of: of["Parameters"].append(of["Parameters"][0])),
        breaks("parameter's name", lambda of: of["Parameters"][0].update(Name="a b")),
        breaks("parameter's type", lambda of: of["Parameters"][0].update(Type="Text")),
        breaks("default's type", lambda of: of["Parameters"][7].update(DefaultValue="0.02")),
        breaks("step type", lambda of: step(of, "TrainModel").update(Type="Train")),
        breaks("step twice", lambda of: step(of, "TrainModel").update(Name="ProcessData")),
        breaks("depends", lambda of: step(of, "RegisterModel").update(DependsOn=["Write"])),
        breaks("property file", lambda of: step(of, "EvaluateModel")["PropertyFiles"][0].update(
            OutputName="report")),
        breaks("unread property file", lambda of: step(of, "EvaluateModel").pop("PropertyFiles")),
        breaks("condition", lambda of: step(of, "CompareWithBaseline")["Arguments"]["Conditions"][0]
               .update(Type="AtLeast")),
        breaks("condition in another", lambda of: step(of, "CompareWithBaseline")["Arguments"].update(
            Conditions=[{"Type": "Or", "Conditions": [{"Type": "Not", "Expression": {
                "Type": "AtLeast"}}]}])),
        breaks("step type of the SDK", lambda of: step(of, "TrainModel").update(Type="CreateModel")),
        breaks("parameter that is not declared", lambda of: of.update(Parameters=of["Parameters"][:9])),
        breaks("output", lambda of: step(of, "ProcessData")["Arguments"]["ProcessingOutputConfig"]
               ["Outputs"].pop()),
        breaks("execution variable", lambda of: of["Steps"][0]["Arguments"].update(
            Environment={"A": {"Get": "Execution.Token"}})),
        breaks("cache", lambda of: step(of, "TrainModel")["Arguments"].pop("HyperParameters")),
        breaks("cache that looks elsewhere", lambda of: step(of, "TrainModel")["Arguments"].update(
            HyperParameters={}, Tags=[{"Key": "t", "Value": {"Get": "Parameters.ControllerToken"}}])),
        breaks("cache for ever", lambda of: step(of, "TrainModel")["CacheConfig"].pop("ExpireAfter")),
        breaks("cache of a condition", lambda of: step(of, "CompareWithBaseline").update(
            CacheConfig={"Enabled": True, "ExpireAfter": "P7D"})),
        breaks("property of another type", lambda of: step(of, "TrainModel").update(Type="Tuning")),
    ],
)  # fmt: skip
def test_a_mistake_is_seen(written, change):
    broken = copy.deepcopy(written)
    change(broken)
    assert list(definition.problems(broken))


def test_a_model_is_registered_for_approval_only_if_it_is_better(written):
    register = step(written, "RegisterModel")["Arguments"]
    assert register["ModelApprovalStatus"] == "PendingManualApproval"
    assert set(register) >= {"ModelMetrics", "DriftCheckBaselines", "CustomerMetadataProperties"}
    compare = step(written, "CompareWithBaseline")["Arguments"]
    assert [one["Name"] for one in compare["IfSteps"]] == ["WriteBaselines", "RegisterModel"]
    assert [(one["Name"], one["Type"]) for one in compare["ElseSteps"]] == [
        ("ModelNotBetter", "Fail")
    ]
    (limit,) = (one for one in written["Parameters"] if one["Name"] == "MinAucImprovement")
    assert limit["DefaultValue"] == 0.02


@pytest.mark.parametrize("name", BOTH)
def test_every_job_writes_where_only_its_run_does(name):
    written = rendered(name)
    outputs = [
        output["S3Output"]["S3Uri"]
        for one in definition.steps(written["Steps"])
        for output in one["Arguments"].get("ProcessingOutputConfig", {}).get("Outputs", [])
    ]
    assert len(outputs) == 7
    for uri in outputs:
        assert {"Get": "Execution.PipelineExecutionId"} in uri["Std:Join"]["Values"]


def test_every_job_runs_a_module_that_is_there(written):
    for one in definition.steps(written["Steps"]):
        places = [
            one["Arguments"].get(key, {}) for key in ("AppSpecification", "AlgorithmSpecification")
        ]
        for place in places:
            if "ContainerEntrypoint" in place:
                module = place["ContainerEntrypoint"][-1].replace(".", "/")
                assert (ROOT / f"{module}.py").exists()


def test_the_requirements_are_tested_as_they_are_installed():
    pins = {
        name: set((ROOT / name).read_text(encoding="utf-8").split())
        for name in ("requirements.txt", "requirements-test.txt")
    }
    assert pins["requirements.txt"] < pins["requirements-test.txt"]
    assert all("==" in pin for pin in pins["requirements-test.txt"])
