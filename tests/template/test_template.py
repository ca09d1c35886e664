"""The template deploys what the code needs: see the modules that are named in `checks`."""

import re

import pytest

import access
import calls
import checks
import deployed
import doctor
import mutations
import notices
import routing


@pytest.fixture(scope="module")
def template():
    return deployed.source()


def test_nothing_is_wrong(template):
    assert list(checks.problems(template)) == []


def test_every_call_in_the_code_has_its_permissions_written_down():
    functions, operators = set(calls.CALLS), set(calls.OPERATOR_CALLS)
    assert functions.isdisjoint(operators)
    assert calls.calls_in_source() == functions | operators


def test_no_function_makes_the_calls_of_operators():
    for crate in calls.deployed_crates():
        assert calls.OPERATOR not in calls.dependencies(crate)
    for file, call in calls.OPERATOR_CALLS:
        crate = file.split("/")[0]
        for method in calls.methods_around(file, call):
            assert calls.used_by_functions(crate, method) == [], (file, method)
    # The search finds what functions do call.
    assert "retrain-aws/src/controller.rs" in calls.used_by_functions("retrain-policies", "in_force")


def test_what_an_operator_may_do_is_written_down():
    text = (deployed.ROOT / "docs/RETRAINCTL.md").read_text(encoding="utf-8")
    section = text.split("## What an operator may do\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `([^`]+)`[^|]* \|([^|]*)\|", section, re.MULTILINE)
    told = {command: set(re.findall(r"`(\w+:\w+)`", actions)) for command, actions in rows}
    assert told == calls.operator_actions()
    for command in ("doctor", "redrive"):
        path = deployed.ROOT / f"crates/retrainctl/src/cli/{command}.rs"
        text = path.read_text(encoding="utf-8")
        (listed,) = re.findall(r"^It may call (.*?)\.$", text, re.MULTILINE | re.DOTALL)
        assert set(re.findall(r"\w+:\w+", listed)) == told[command]


def test_the_rules_that_the_doctor_is_tested_with_are_those_of_the_template(template):
    # Otherwise: python doctor.py
    assert doctor.FILE.read_text(encoding="utf-8") == doctor.written(template)


def test_transactions_only_put():
    for path in (deployed.ROOT / "crates/retrain-debounce/src").glob("*.rs"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\b(Update|Delete|ConditionCheck)::builder\(", text), path


def test_every_function_of_the_code_is_deployed():
    functions = {
        path.parents[1].name
        for path in deployed.ROOT.glob("crates/*/src/main.rs")
        if "lambda_runtime" in path.read_text(encoding="utf-8")
    }
    assert functions == set(checks.settings.CRATES.values())


def test_every_line_of_the_routes_has_a_sample():
    used = {routing.route(sample)[1] for sample in routing.samples()}
    assert used == {written for written, _ in routing.ROUTES}


def test_every_outcome_is_told_or_not_on_purpose():
    known = notices.outcomes_in_source()
    classes = [notices.ALWAYS, notices.SOMETIMES, notices.NEVER]
    assert sorted(known) == sorted(set().union(*classes))
    assert sum(map(len, classes)) == len(known), "an outcome is in two classes"
    assert {"given_up"} <= known["no_improvement"] & known["interrupted"]
    assert {"breaker_opened"} <= known["failed"]
    assert {"refusal"} <= known["not_started"]
    assert {"rollback"} <= known["withdrawn"]


def test_the_metrics_are_those_that_the_alarms_look_at():
    path = deployed.ROOT / "crates/retrain-lambda/src/telemetry.rs"
    text = path.read_text(encoding="utf-8")
    for written in (
        'const NAMESPACE: &str = "RetrainController";',
        'vec![("Decisions", "Count", 1)]',
        'counts.push(("BreakersOpened", "Count", 1))',
        'json!([["Outcome"], ["Model", "Outcome"]])',
        '("OldestDueAge", "Seconds", age.as_secs())',
        'json!([["Table"]])',
        'Metric::of(name, "invalid_policy")',
    ):
        assert written in text


def test_the_document_has_every_parameter_variable_and_alarm(template):
    text = (deployed.ROOT / "docs/DEPLOY.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[^|]+`) \|([^|]*)\|", text, re.MULTILINE)
    rows = {name: told.strip() for name, told in rows}
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    variables = checks.settings.variables()
    assert named == set(template["Parameters"]) | variables | set(checks.alarms.ALARMS)
    for name, parameter in template["Parameters"].items():
        told = rows[f"`{name}`"].strip("`")
        assert told == {"Default": "", "": "none"}.get(
            str(parameter.get("Default", "Default")), str(parameter.get("Default"))
        ), name
    for name, value in template["Globals"]["Function"]["Environment"]["Variables"].items():
        if isinstance(value, str):
            assert rows[f"`{name}`"] == (f"`{value}`" if value else "none"), name


def test_no_grant_is_wider_than_a_name(template):
    for parameters in (deployed.FULL, deployed.LEAN):
        stack = deployed.Stack(deployed.translate(template, parameters), parameters)
        assert list(access.broad(stack)) == []


def test_a_changed_setting_publishes_a_version(template):
    def versions(of):
        resources = deployed.translate(of, deployed.FULL)["Resources"]
        return {name for name, one in resources.items() if one["Type"] == "AWS::Lambda::Version"}

    way = ("Globals", "Function", "Environment", "Variables", "RETRAIN_SETTLE")
    assert not versions(template) & versions(mutations.without(template, way))


def test_whatever_is_missing_is_noticed(template):
    translated = [
        (deployed.translate(template, parameters), parameters, wanted)
        for parameters, wanted in checks.STACKS
    ]
    unnoticed = []
    tried = 0
    for way in mutations.ways(template):
        if mutations.is_left_alone_by_sam(template, way):
            found = checks.problems_of_stacks(
                (mutations.without(one, way), parameters, wanted)
                for one, parameters, wanted in translated
            )
        else:
            found = checks.problems(mutations.without(template, way))
        tried += 1
        if not any_problem(found):
            unnoticed.append(way)
    assert unnoticed == []
    assert tried > 500


def any_problem(found):
    """Whether there is a problem. A check that cannot even read the template is one, too."""
    try:
        return next(found, None) is not None
    except Exception:  # of whatever kind: it would fail the test of the template
        return True
