"""The endpoint of the reference loop, its guardrails and its monitoring."""

import json
import re

import botocore.session
import pytest

import access
import deployed
import loop


@pytest.fixture(scope="module")
def policy():
    return loop.read_json("policy.json")


def watched(alarm):
    """What an alarm looks at: namespace, metric, dimensions and period of each."""
    listed = [one["MetricStat"] for one in alarm.get("Metrics", []) if "MetricStat" in one]
    metrics = [one["Metric"] | {"Period": one["Period"]} for one in listed] or [alarm]
    return [
        (one["Namespace"], one["MetricName"], {own["Name"]: own["Value"] for own in one["Dimensions"]}, one["Period"])
        for one in metrics
    ]


def monitored(**changed):
    """A stack that Model Monitor watches."""
    return loop.stack("endpoint", Monitoring="model-monitor", **changed)


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
    families = ("DataQuality", "ModelQuality", "ModelBias", "ModelExplainability")
    definitions = {f"AWS::SageMaker::{family}JobDefinition" for family in families}
    assert kinds == {*definitions, "AWS::SageMaker::MonitoringSchedule"}
    own, monitor = loop.stack("endpoint"), loop.stack("endpoint", Monitoring="model-monitor")
    assert not any(own.of_type(kind) for kind in kinds)
    assert all(monitor.of_type(kind) for kind in kinds)
    assert own.of_type("AWS::Scheduler::Schedule")
    assert not monitor.of_type("AWS::Scheduler::Schedule")
    looked_at = {
        name: {one[0] for alarm in stack.of_type("AWS::CloudWatch::Alarm").values() for one in watched(alarm)}
        for name, stack in {"own": own, "monitor": monitor}.items()
    }
    assert looked_at["own"] == {"AWS/SageMaker", "FraudDetection/Drift"}
    assert looked_at["monitor"] & looked_at["own"] == {"AWS/SageMaker"}


def test_each_schedule_of_model_monitor_has_its_alarm_and_its_own_role():
    stack = monitored()
    schedules = stack.of_type("AWS::SageMaker::MonitoringSchedule")
    names = {
        f"fraud-detection-production-{kind}" for kind in ("data-quality", "model-quality", "bias", "explainability")
    }
    assert {one["MonitoringScheduleName"] for one in schedules.values()} == names
    alarms = stack.of_type("AWS::CloudWatch::Alarm").values()
    of_schedules = {}
    namespaces = set()
    for alarm in alarms:
        for namespace, _, dimensions, _ in watched(alarm):
            if "MonitoringSchedule" in dimensions:
                assert dimensions["Endpoint"] == "fraud-detection-production"
                of_schedules.setdefault(alarm["AlarmName"], set()).add(dimensions["MonitoringSchedule"])
                namespaces.add(namespace)
    assert of_schedules == {f"drift-{name}": {name} for name in names}
    for own, schedule in schedules.items():
        config = schedule["MonitoringScheduleConfig"]
        kind = config["MonitoringType"]
        assert config["MonitoringJobDefinitionName"] == f"<{own.removesuffix('Schedule')}.JobDefinitionName>"
        (definition,) = stack.of_type(f"AWS::SageMaker::{kind}JobDefinition").values()
        assert definition["RoleArn"] == "<MonitorRole.Arn>"
        assert definition[f"{kind}AppSpecification"]["Environment"] == {"publish_cloudwatch_metrics": "Enabled"}
    role = stack.of_type("AWS::IAM::Role")["MonitorRole"]
    may = access.of_role(stack, role)
    (condition,) = [condition for action, _, condition in may if action == "cloudwatch:PutMetricData"]
    assert set(json.loads(condition)["StringEquals"]["cloudwatch:namespace"]) == namespaces
    assert len(namespaces) == 4
    assert "MonitorRole" not in loop.stack("endpoint").resources


def test_clarify_may_make_its_own_endpoint_and_touch_no_other():
    stack = monitored()
    changes = {
        (action, resource.rpartition(":")[2])
        for action, resource, _ in access.of_role(stack, stack.of_type("AWS::IAM::Role")["MonitorRole"])
        if re.match(r"sagemaker:(Create|Delete|Update|Invoke)", action)
    }
    assert {action for action, _ in changes} == {
        "sagemaker:CreateEndpoint", "sagemaker:CreateEndpointConfig", "sagemaker:DeleteEndpoint",
        "sagemaker:DeleteEndpointConfig", "sagemaker:InvokeEndpoint",
    }
    assert {resource for _, resource in changes} == {
        "endpoint/sagemaker-clarify-*", "endpoint-config/sagemaker-clarify-*",
    }


def test_each_schedule_compares_with_what_the_training_pipeline_has_left():
    run = "s3://fraud-detection-artifacts-111122223333/runs/abc"
    stack = monitored(ModelMonitorBaselineUri=run)
    written = {}
    for one in loop.steps(loop.definition()["Steps"]):
        for output in one["Arguments"].get("ProcessingOutputConfig", {}).get("Outputs", []):
            # runs, the execution, and the output's name.
            parts = output["S3Output"]["S3Uri"]["Std:Join"]["Values"]
            written[output["OutputName"]] = "/".join([run, *parts[3:]])
    register = next(one for one in loop.steps(loop.definition()["Steps"]) if one["Type"] == "RegisterModel")

    def told(source):
        output, name = source["S3Uri"]["Std:Join"]["Values"]
        folder = re.search(r"Outputs\['(\w+)'\]", output["Get"]).group(1)
        return f"{written[folder]}/{name}"

    drift = register["Arguments"]["DriftCheckBaselines"]
    kinds = {
        "DataQuality": ("ModelDataQuality", "Constraints"),
        "ModelQuality": ("ModelQuality", "Constraints"),
        "ModelBias": ("Bias", "PostTrainingConstraints"),
        "ModelExplainability": ("Explainability", "Constraints"),
    }
    for kind, (family, constraints) in kinds.items():
        (definition,) = stack.of_type(f"AWS::SageMaker::{kind}JobDefinition").values()
        compared = definition[f"{kind}BaselineConfig"]
        assert compared["ConstraintsResource"]["S3Uri"] == told(drift[family][constraints]), kind
        if kind == "DataQuality":
            assert compared["StatisticsResource"]["S3Uri"] == told(drift[family]["Statistics"])
        config = definition[f"{kind}AppSpecification"].get("ConfigUri")
        assert config == (told(drift[family]["ConfigFile"]) if "ConfigFile" in drift[family] else None), kind


def test_the_alarms_on_clarify_look_at_what_its_configuration_names():
    alarms = monitored().of_type("AWS::CloudWatch::Alarm")
    schema = loop.read_json("schema/transactions-v1.json")
    by_role = {}
    for column in schema["columns"]:
        by_role.setdefault(column["role"], []).append(column["name"])
    looked_at = watched(alarms["ModelMonitorBias"])
    groups = [f"{low}-{high - 1}" for low, high in schema["facet_groups"]]
    assert [dimensions["FacetValue"] for _, _, dimensions, _ in looked_at] == groups
    for _, metric, dimensions, _ in looked_at:
        assert metric == "bias_metric_DPPL"
        assert dimensions["Facet"] == f"{by_role['facet'][0]}_group"
        assert [dimensions["Label"]] == by_role["label"]
    looked_at = watched(alarms["ModelMonitorAttribution"])
    assert [metric for _, metric, _, _ in looked_at] == [f"feature_{name}" for name in by_role["feature"]]
    for name in ("ModelMonitorBias", "ModelMonitorAttribution"):
        (expression,) = [one for one in alarms[name]["Metrics"] if "Expression" in one]
        assert expression["ReturnData"] is True
        others = [one["Id"] for one in alarms[name]["Metrics"] if one is not expression]
        assert set(re.findall(r"\b[a-z]+\b", expression["Expression"])) == set(others)
        assert not any(one["ReturnData"] for one in alarms[name]["Metrics"] if one is not expression)


def test_whoever_needs_the_truth_looks_at_a_day_that_has_it():
    stack = monitored(GroundTruthFrom="-P3D", GroundTruthUntil="-P2D")
    threshold = (loop.EXAMPLE / "fraud/clarify.py").read_text(encoding="utf-8")
    for kind in ("ModelQuality", "ModelBias"):
        (definition,) = stack.of_type(f"AWS::SageMaker::{kind}JobDefinition").values()
        asked = definition[f"{kind}JobInput"]["EndpointInput"]
        assert (asked["StartTimeOffset"], asked["EndTimeOffset"]) == ("-P3D", "-P2D")
        assert f"DECLINED_ABOVE = {asked['ProbabilityThresholdAttribute']}\n" in threshold
    template = loop.template("endpoint")
    asserted = json.dumps(template["Rules"]["ModelMonitorNeedsItsImages"]["Assertions"])
    assert "ModelMonitorImageUri" in asserted and '{"Ref": "ClarifyImageUri"}' in asserted


def test_no_alarm_looks_at_more_than_a_week():
    for monitoring in ("custom-metrics", "model-monitor"):
        for alarm in loop.stack("endpoint", Monitoring=monitoring).of_type("AWS::CloudWatch::Alarm").values():
            for _, _, _, period in watched(alarm):
                assert period * alarm["EvaluationPeriods"] <= 7 * 86400


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
