"""The example of a model fits the controller."""

import copy
import json
import re
import tomllib

import jsonschema
import pytest
from samtranslator.yaml_helper import yaml_parse

import access
import deployed
from pattern import matches
from routing import samples

PARAMETERS = {
    "Model": "fraud-detection",
    "PipelineName": "fraud-detection-training",
    "TrainingDataUri": "s3://fraud-detection-data/transactions/",
    "EndpointName": "fraud-detection-prod",
    "MonitoringScheduleName": "fraud-detection-data-quality",
    "DriftMetric": "feature_baseline_drift_transaction_amount",
}


@pytest.fixture(scope="module")
def model():
    path = deployed.ROOT / "examples/model.yaml"
    return deployed.Stack(yaml_parse(path.read_text(encoding="utf-8")), PARAMETERS)


@pytest.fixture(scope="module")
def controller():
    parameters = {"AlarmNames": "drift-*", "PipelineNames": "fraud-detection-*"}
    return deployed.Stack(deployed.translate(deployed.source(), parameters), parameters)


@pytest.fixture(scope="module")
def policy(model):
    return json.loads(model.of_type("AWS::SSM::Parameter")["Policy"]["Value"])


def test_the_policy_is_one(policy):
    schema = (deployed.ROOT / "docs/policy.schema.json").read_bytes()
    jsonschema.validate(policy, json.loads(schema))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(policy | {"min_intervall": "6h"}, json.loads(schema))


def test_the_policy_is_where_the_functions_look(model):
    path = "<retrain-PolicyPath>"
    assert model.of_type("AWS::SSM::Parameter")["Policy"]["Name"] == f"{path}/fraud-detection"


def test_the_functions_may_read_the_parameter_that_the_policy_names(model, controller, policy):
    name = model.of_type("AWS::SSM::Parameter")["TrainingData"]["Name"]
    assert policy["training_data_uri_parameter"] == name
    pattern = {"name": [{"wildcard": controller.parameters["TrainingDataParameters"]}]}
    assert matches(pattern, {"name": name})


def test_the_alarm_reaches_the_policy(model, controller, policy):
    alarm = model.of_type("AWS::CloudWatch::Alarm")["DataQuality"]
    event = copy.deepcopy(samples()["drift-alarm/alarm.json"])
    event["detail"]["alarmName"] = alarm["AlarmName"]
    rule = controller.of_type("AWS::Events::Rule")["DriftAlarmAlarms"]
    assert matches(rule["EventPattern"], event)
    (matcher,) = policy["drift"]["alarms"]
    assert matches({"name": [{"wildcard": matcher["alarm_name"]}]}, {"name": alarm["AlarmName"]})


def test_the_alarm_stands_odd_hours_and_missing_ones(model):
    alarm = model.of_type("AWS::CloudWatch::Alarm")["DataQuality"]
    assert (alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"]) == (3, 5)
    assert alarm["TreatMissingData"] == "ignore"


def test_the_schedule_sends_what_the_reconciler_understands(model):
    sample = samples()["reconciler/schedule.json"]
    schedule = model.of_type("AWS::Scheduler::Schedule")["Schedule"]
    sent = schedule["Target"]["Input"]
    sent = sent.replace("<aws.scheduler.schedule-arn>", sample["schedule"])
    sent = sent.replace("<aws.scheduler.scheduled-time>", sample["scheduled_time"])
    assert json.loads(sent) == sample


def test_the_schedule_may_do_what_it_does_and_no_more(model):
    target = model.of_type("AWS::Scheduler::Schedule")["Schedule"]["Target"]
    assert target["RoleArn"] == "<ScheduleRole.Arn>"
    role = model.of_type("AWS::IAM::Role")["ScheduleRole"]
    assert access.of_role(model, role) == {
        ("lambda:InvokeFunction", target["Arn"], None),
        ("sqs:SendMessage", target["DeadLetterConfig"]["Arn"], None),
    }
    of_this_account = {"StringEquals": {"aws:SourceAccount": deployed.ACCOUNT}}
    scheduler = {"Service": "scheduler.amazonaws.com"}
    assert access.trusted(role) == [("Allow", scheduler, "sts:AssumeRole", of_this_account)]


def test_what_it_imports_is_exported(model, controller):
    text = json.dumps(model.resolve(list(model.template["Resources"].values())))
    outputs = (controller.resolve(output) for output in controller.outputs.values())
    imported = set(re.findall(r"<retrain-\w+>", text))
    assert len(imported) == 3
    assert imported <= {f"<{output['Export']['Name']}>" for output in outputs}


def test_sam_is_configured_for_this_template():
    config = tomllib.loads((deployed.ROOT / "samconfig.toml").read_text(encoding="utf-8"))
    deploy = config["default"]["deploy"]["parameters"]
    # No resource of IAM has a name of its own, so the weaker capability is enough.
    assert deploy["capabilities"] == "CAPABILITY_IAM"
    template = deployed.source()
    for name, resource in template["Resources"].items():
        named = {"RoleName", "ManagedPolicyName"} & set(resource.get("Properties", {}))
        assert not named, name
