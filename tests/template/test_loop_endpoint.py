"""The endpoint of the reference loop, its guardrails and its monitoring."""

import json

import botocore.session
import pytest

import access
import deployed
import loop


@pytest.fixture(scope="module")
def policy():
    return loop.read_json("policy.json")



def routing(**changed):
    endpoint = loop.stack("endpoint", **changed).of_type("AWS::SageMaker::Endpoint")["Endpoint"]
    return endpoint["DeploymentConfig"]["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]


def test_traffic_shifts_as_the_parameter_says():
    step = {"Type": "CAPACITY_PERCENT", "Value": "10"}
    assert routing()["CanarySize"] == step
    assert "LinearStepSize" not in routing()
    assert routing(Strategy="LINEAR")["LinearStepSize"] == step
    assert set(routing(Strategy="ALL_AT_ONCE")) == {"Type", "WaitIntervalInSeconds"}


def test_a_canary_needs_two_instances():
    template = loop.template("endpoint")
    assert template["Parameters"]["InstanceCount"]["Default"] == 2
    rule = template["Rules"]["ACanaryNeedsTwo"]
    assert rule["RuleCondition"] == {"Fn::Equals": [{"Ref": "Strategy"}, "CANARY"]}


def test_a_bad_deployment_is_rolled_back_by_alarms_that_are_there():
    stack = loop.stack("endpoint")
    endpoint = stack.of_type("AWS::SageMaker::Endpoint")["Endpoint"]
    named = {one["AlarmName"] for one in endpoint["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]}
    alarms = {one["AlarmName"]: one for one in stack.of_type("AWS::CloudWatch::Alarm").values()}
    assert named == {name for name in alarms if name.startswith("guardrail-")}
    for name in named:
        # They are no drift, whatever the policy's pattern is.
        assert alarms[name]["Namespace"] == "AWS/SageMaker"


def test_another_package_is_a_shadow_or_a_variant_or_not_there():
    def variants(**changed):
        stack = loop.stack("endpoint", **changed)
        (config,) = stack.of_type("AWS::SageMaker::EndpointConfig").values()
        shadows = config.get("ShadowProductionVariants", [])
        return len(config["ProductionVariants"]), len(shadows), len(stack.of_type("AWS::SageMaker::Model"))

    other = {"ChallengerPackageArn": "arn:aws:sagemaker:us-east-1:111122223333:model-package/g/2"}
    assert variants() == (1, 0, 1)
    assert variants(**other) == (1, 1, 2)
    assert variants(**other, ChallengerIs="variant") == (2, 0, 2)


def test_calls_are_captured():
    (config,) = loop.stack("endpoint").of_type("AWS::SageMaker::EndpointConfig").values()
    capture = config["DataCaptureConfig"]
    assert capture["EnableCapture"] is True
    assert [one["CaptureMode"] for one in capture["CaptureOptions"]] == ["Input", "Output"]


@pytest.mark.parametrize("monitoring", ["custom-metrics", "model-monitor"])
def test_drift_is_three_of_five_hours_and_reaches_controller_and_people(monitoring, policy):
    stack = loop.stack("endpoint", Monitoring=monitoring)
    alarms = stack.of_type("AWS::CloudWatch::Alarm").values()
    drift = [one for one in alarms if one["AlarmName"].startswith("drift-")]
    assert drift
    (matcher,) = policy["drift"]["alarms"]
    for one in drift:
        assert one["AlarmName"].startswith(matcher["alarm_name"].removesuffix("*").removesuffix("-"))
        assert (one["DatapointsToAlarm"], one["EvaluationPeriods"]) == (3, 5)
        assert one["TreatMissingData"] == "ignore"
        assert one["AlarmActions"] == one["OKActions"] == [loop.TOPIC]


def test_the_alarms_look_at_what_the_script_writes_and_the_demo_plays():
    alarms = loop.stack("endpoint").of_type("AWS::CloudWatch::Alarm")
    script = (loop.EXAMPLE / "fraud/drift.py").read_text(encoding="utf-8")
    for name in ("Drift", "Missing"):
        assert f'NAMESPACE = "{alarms[name]["Namespace"]}"' in script
        assert f'"{alarms[name]["MetricName"]}":' in script
        assert alarms[name]["Dimensions"][1] == {"Name": "Feature", "Value": "any"}
    played = (deployed.ROOT / "crates/retrain-local/src/fraud_loop/drift.rs").read_text(encoding="utf-8")
    drift = alarms["Drift"]
    assert f'"{drift["AlarmName"]}"' in played
    assert f"THRESHOLD: f64 = {drift['Threshold']};" in played
    assert f"LOOKED_AT: usize = {drift['EvaluationPeriods']};" in played
    assert f"BREACHING: usize = {drift['DatapointsToAlarm']};" in played


def test_model_monitor_is_a_switch():
    kinds = {
        one["Type"] for one in loop.template("endpoint")["Resources"].values()
        if one["Type"].endswith(("JobDefinition", "MonitoringSchedule"))
    }
    assert len(kinds) == 3
    own, monitor = loop.stack("endpoint"), loop.stack("endpoint", Monitoring="model-monitor")
    assert not any(own.of_type(kind) for kind in kinds)
    assert all(monitor.of_type(kind) for kind in kinds)
    assert own.of_type("AWS::Scheduler::Schedule")
    assert not monitor.of_type("AWS::Scheduler::Schedule")


def test_each_schedule_of_model_monitor_has_its_alarm_and_its_own_role():
    stack = loop.stack("endpoint", Monitoring="model-monitor")
    schedules = stack.of_type("AWS::SageMaker::MonitoringSchedule").values()
    names = {one["MonitoringScheduleName"] for one in schedules}
    assert names == {"fraud-detection-production-data-quality", "fraud-detection-production-model-quality"}
    watched = {
        dimension["Value"]
        for alarm in stack.of_type("AWS::CloudWatch::Alarm").values()
        for dimension in alarm["Dimensions"] if dimension["Name"] == "MonitoringSchedule"
    }
    assert watched == names
    for kind in ("DataQuality", "ModelQuality"):
        (definition,) = stack.of_type(f"AWS::SageMaker::{kind}JobDefinition").values()
        assert definition["RoleArn"] == "<MonitorRole.Arn>"
    role = stack.of_type("AWS::IAM::Role")["MonitorRole"]
    may = access.of_role(stack, role)
    namespaces = json.dumps([
        alarm["Namespace"] for alarm in stack.of_type("AWS::CloudWatch::Alarm").values()
        if alarm["Namespace"].startswith("aws/sagemaker")
    ])
    (condition,) = [condition for action, _, condition in may if action == "cloudwatch:PutMetricData"]
    assert json.dumps(json.loads(condition)["StringEquals"]["cloudwatch:namespace"]) == namespaces
    assert "MonitorRole" not in loop.stack("endpoint").resources


def test_no_alarm_looks_at_more_than_a_week():
    for monitoring in ("custom-metrics", "model-monitor"):
        for alarm in loop.stack("endpoint", Monitoring=monitoring).of_type("AWS::CloudWatch::Alarm").values():
            assert alarm["Period"] * alarm["EvaluationPeriods"] <= 7 * 86400


def test_people_are_told_of_a_drift_job_that_fails():
    stack = loop.stack("endpoint")
    (rule,) = stack.of_type("AWS::Events::Rule").values()
    (schedule,) = stack.of_type("AWS::Scheduler::Schedule").values()
    detail = rule["EventPattern"]["detail"]
    job = json.loads(schedule["Target"]["Input"])
    assert detail["ProcessingJobStatus"] == ["Failed"]
    assert job["ProcessingJobName"].startswith(detail["ProcessingJobName"][0]["prefix"])
    assert detail["RoleArn"] == [job["RoleArn"]]
    assert rule["Targets"][0]["Arn"] == loop.TOPIC
    topic = loop.stack("pipeline").of_type("AWS::SNS::TopicPolicy")["ApprovalsPolicy"]
    services = {one["Principal"]["Service"]: one for one in topic["PolicyDocument"]["Statement"]}
    assert set(services) == {"cloudwatch.amazonaws.com", "events.amazonaws.com"}
    assert "Condition" not in services["events.amazonaws.com"]


def test_the_longest_deployment_fits_into_its_time():
    template = loop.template("endpoint")
    most = template["Parameters"]["BakeSeconds"]["MaxValue"]
    policy = template["Resources"]["Endpoint"]["Properties"]["DeploymentConfig"]["BlueGreenUpdatePolicy"]
    steps = 100 // template["Parameters"]["StepPercent"]["MinValue"]
    half_an_hour = 1800
    assert (steps + 1) * most + half_an_hour <= policy["MaximumExecutionTimeoutInSeconds"]


def test_the_drift_job_is_a_processing_job():
    (schedule,) = loop.stack("endpoint").of_type("AWS::Scheduler::Schedule").values()
    request = json.loads(schedule["Target"]["Input"])
    shape = botocore.session.get_session().get_service_model("sagemaker")
    members = shape.operation_model("CreateProcessingJob").input_shape
    assert set(members.required_members) <= set(request) <= set(members.members)
    arguments = request["AppSpecification"]["ContainerArguments"]
    script = (loop.EXAMPLE / "fraud/drift.py").read_text(encoding="utf-8")
    for option in arguments[::2]:
        assert f'"{option}"' in script
