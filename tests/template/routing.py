"""Which rule delivers which sample event."""

import json
from fnmatch import fnmatchcase
from functools import cache

from deployed import ROOT
from pattern import matches

EVENTS = ROOT / "events"

# For each rule, the samples that it delivers; the first pattern that fits a sample decides.
# `-` is no rule: the sample is delivered in another way, or not at all.
ROUTES = [
    # Alarm actions, notifications of SNS, and text where EventBridge has an object.
    ("drift-alarm/direct-*", "-"),
    ("drift-alarm/sns-*", "-"),
    ("drift-alarm/detail-as-text.json", "-"),
    # Nothing follows from these, so nothing is invoked for them.
    ("drift-alarm/configuration-change.json", "-"),
    ("drift-alarm/contributor.json", "-"),
    ("drift-alarm/insufficient-data.json", "-"),
    # Another name than AlarmNames has.
    ("drift-alarm/other-model.json", "-"),
    ("drift-alarm/*", "retrain-alarms"),
    # What the queue and S3 deliver themselves, and what is no new object.
    ("data-arrival/notification*", "-"),
    ("data-arrival/sqs-*", "-"),
    ("data-arrival/deleted.json", "-"),
    ("data-arrival/tags-added.json", "-"),
    ("data-arrival/*", "retrain-data"),
    ("execution-status/*step-status-change.json", "-"),
    ("execution-status/code-pipeline-action-*", "-"),
    ("execution-status/code-pipeline-stage-*", "-"),
    ("execution-status/*unknown-stat*.json", "-"),
    # Another name than PipelineNames has.
    ("execution-status/of-another-pipeline.json", "-"),
    ("execution-status/code-pipeline-*", "retrain-codepipeline"),
    ("execution-status/*", "retrain-sagemaker"),
    # What is decided and stays so, other partitions, and no group.
    ("model-approval/metadata-edit.json", "-"),
    ("model-approval/own-stamp.json", "-"),
    ("model-approval/*-partition.json", "-"),
    ("model-approval/unversioned.json", "-"),
    ("model-approval/processing-job.json", "-"),
    ("model-approval/endpoint-*failed.json", "retrain-endpoints"),
    ("model-approval/endpoint-rolling-back.json", "retrain-endpoints"),
    ("model-approval/endpoint-*", "-"),
    ("model-approval/*", "retrain-packages"),
    # Requests are invocations, and the rule that runs by time has no pattern.
    ("reconciler/*", "-"),
    # What is malformed reaches the function as far as its envelope is sound, and then the
    # dead letters.
    ("invalid/bad-alarm-arn.json", "retrain-alarms"),
    ("invalid/bad-dimension.json", "retrain-alarms"),
    ("invalid/bad-timestamp.json", "retrain-alarms"),
    ("invalid/epoch-second-timestamp.json", "retrain-alarms"),
    ("invalid/no-alarm-arn.json", "retrain-alarms"),
    ("invalid/no-timestamp.json", "retrain-alarms"),
    ("invalid/data-bad-s*.json", "retrain-data"),
    ("invalid/data-bucket-arn.json", "retrain-data"),
    ("invalid/data-event-version-2.json", "retrain-data"),
    ("invalid/data-key-too-long.json", "retrain-data"),
    ("invalid/data-no-bucket.json", "retrain-data"),
    ("invalid/data-no-time.json", "retrain-data"),
    ("invalid/execution-code-pipeline-bad-*", "retrain-codepipeline"),
    ("invalid/execution-code-pipeline-no-id.json", "retrain-codepipeline"),
    ("invalid/execution-bad-arn.json", "retrain-sagemaker"),
    ("invalid/execution-no-arn.json", "retrain-sagemaker"),
    ("invalid/package-arn-number.json", "retrain-packages"),
    ("invalid/package-bad-*.json", "retrain-packages"),
    ("invalid/package-detail-not-json.json", "retrain-packages"),
    ("invalid/package-no-detail.json", "retrain-packages"),
    ("invalid/package-no-time.json", "retrain-packages"),
    ("invalid/package-resources-text.json", "retrain-packages"),
    ("invalid/*", "-"),
]

# Changes that take a sample away from its rule: the way to a field, and its new value.
ELSEWHERE = [
    ("drift-alarm/alarm.json", ("source",), "aws.sns"),
    ("drift-alarm/alarm.json", ("detail-type",), "CloudWatch Alarm Configuration Change"),
    ("drift-alarm/alarm.json", ("detail", "alarmName"), "churn-data-quality"),
    ("drift-alarm/alarm.json", ("detail", "state", "value"), "INSUFFICIENT_DATA"),
    ("data-arrival/eventbridge-put.json", ("source",), "aws.s3control"),
    ("data-arrival/eventbridge-put.json", ("detail-type",), "Object Deleted"),
    ("data-arrival/eventbridge-put.json", ("resources",), ["arn:aws:s3:::another-bucket"]),
    ("data-arrival/eventbridge-put.json", ("detail", "object", "key"), "evaluation/a.parquet"),
    ("execution-status/succeeded.json", ("source",), "aws.codepipeline"),
    ("execution-status/succeeded.json", ("detail-type",), "SageMaker Training Job State Change"),
    (
        "execution-status/succeeded.json",
        ("resources",),
        ["arn:aws:sagemaker:us-east-1:111122223333:pipeline/churn-training"],
    ),
    (
        "execution-status/succeeded.json",
        ("resources",),
        ["arn:aws:sagemaker:us-east-1:444455556666:pipeline/fraud-detection-training"],
    ),
    ("execution-status/succeeded.json", ("detail", "currentPipelineExecutionStatus"), "Paused"),
    ("model-approval/approved.json", ("source",), "aws.s3"),
    ("model-approval/approved.json", ("detail-type",), "SageMaker Model State Change"),
    (
        "model-approval/approved.json",
        ("resources",),
        ["arn:aws:sagemaker:us-east-1:111122223333:model-package/churn/7"],
    ),
    (
        "model-approval/approved.json",
        ("detail", "UpdatedModelPackageFields"),
        ["CustomerMetadataProperties"],
    ),
    # An account that is not among RegistryAccountIds.
    ("model-approval/other-account.json", ("account",), "777788889999"),
    ("model-approval/endpoint-rolling-back.json", ("source",), "aws.s3"),
    (
        "model-approval/endpoint-rolling-back.json",
        ("detail-type",),
        "SageMaker Endpoint Config State Change",
    ),
    (
        "model-approval/endpoint-rolling-back.json",
        ("resources",),
        ["arn:aws:sagemaker:us-east-1:111122223333:endpoint/churn-prod"],
    ),
    ("model-approval/endpoint-rolling-back.json", ("detail", "EndpointStatus"), "IN_SERVICE"),
    ("execution-status/code-pipeline-succeeded.json", ("source",), "aws.sagemaker"),
    (
        "execution-status/code-pipeline-succeeded.json",
        ("detail-type",),
        "CodePipeline Stage Execution State Change",
    ),
    (
        "execution-status/code-pipeline-succeeded.json",
        ("resources",),
        ["arn:aws:codepipeline:us-east-1:111122223333:fraud-detection-release"],
    ),
    ("execution-status/code-pipeline-succeeded.json", ("detail", "state"), "PAUSED"),
]

# Changes that leave a sample with its rule.
ALIKE = [
    (
        "model-approval/pending-created.json",
        ("detail", "UpdatedModelPackageFields"),
        ["ModelMetrics"],
    ),
    *(
        ("model-approval/endpoint-rolling-back.json", ("detail", "EndpointStatus"), status)
        for status in (
            "RollingBack",
            "UPDATE_ROLLBACK_FAILED",
            "UpdateRollbackFailed",
            "FAILED",
            "Failed",
        )
    ),
]


@cache
def samples():
    """Every sample event, by its name below `events`."""
    paths = sorted(EVENTS.glob("*/*.json"))
    return {str(path.relative_to(EVENTS)): json.loads(path.read_bytes()) for path in paths}


def route(sample):
    """The rule that should deliver a sample, and the pattern that says so."""
    for written, rule in ROUTES:
        if fnmatchcase(sample, written):
            return rule, written
    raise LookupError(f"no line says which rule delivers {sample}")


def changed(event, way, value):
    """The event with another value of one field."""
    event = json.loads(json.dumps(event))
    place = event
    for name in way[:-1]:
        place = place[name]
    assert place.get(way[-1]) != value, way
    place[way[-1]] = value
    return event


def rules_for(stack, event):
    """The names of the rules that deliver an event."""
    return {
        rule["Name"]
        for rule in stack.of_type("AWS::Events::Rule").values()
        if "EventPattern" in rule and rule.get("State", "ENABLED") == "ENABLED"
        and isinstance(event, dict) and matches(rule["EventPattern"], event)
    }


def problems(stack):
    """Samples that the wrong rules deliver."""
    known = samples()
    for name, event in known.items():
        rule, _ = route(name)
        wanted = set() if rule == "-" else {rule}
        found = rules_for(stack, event)
        if found != wanted:
            yield f"{name} is delivered by {sorted(found)} instead of {sorted(wanted)}"
    for name, way, value in ELSEWHERE:
        found = rules_for(stack, changed(known[name], way, value))
        if found:
            yield f"{name} with {value!r} is delivered by {sorted(found)}"
    for name, way, value in ALIKE:
        found = rules_for(stack, changed(known[name], way, value))
        if found != {route(name)[0]}:
            yield f"{name} with {value!r} is delivered by {sorted(found)}"
