"""What is watched, who is told, and what rolls a release back."""

import json

from delivery import allowed
from settings import CRATES

OWN = "RetrainController"
AT_LEAST, BELOW = "GreaterThanOrEqualToThreshold", "LessThanThreshold"


def queue(name, metric="ApproximateNumberOfMessagesVisible", period=60, threshold=1):
    """An alarm about a queue."""
    return {
        "Namespace": "AWS/SQS",
        "MetricName": metric,
        "Dimensions": [{"Name": "QueueName", "Value": f"<{name}.QueueName>"}],
        "Statistic": "Maximum",
        "Period": period,
        "EvaluationPeriods": 1,
        "Threshold": threshold,
        "ComparisonOperator": AT_LEAST,
        "TreatMissingData": "notBreaching",
    }


def errors(crate):
    """An alarm about the errors of a function."""
    dimensions = [
        {"Name": "FunctionName", "Value": f"retrain-{crate}"},
        {"Name": "Resource", "Value": f"retrain-{crate}:live"},
    ]
    return sums("AWS/Lambda", "Errors", dimensions, 60)


def decisions(outcome, metric="Decisions"):
    """An alarm about decisions with an outcome, as the functions count them."""
    return sums(OWN, metric, [{"Name": "Outcome", "Value": outcome}], 300)


def sums(namespace, metric, dimensions, period):
    """An alarm about anything that is counted."""
    return {
        "Namespace": namespace,
        "MetricName": metric,
        "Dimensions": dimensions,
        "Statistic": "Sum",
        "Period": period,
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "ComparisonOperator": AT_LEAST,
        "TreatMissingData": "notBreaching",
    }


def throttles():
    """The alarm about throttles, which adds up those of all functions."""
    of_one = {
        crate: {
            "ReturnData": False,
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/Lambda",
                    "MetricName": "Throttles",
                    "Dimensions": [{"Name": "FunctionName", "Value": f"retrain-{crate}"}],
                },
                "Period": 300,
                "Stat": "Sum",
            },
        }
        for crate in CRATES.values()
    }
    ids = {"drift-alarm": "drift", "data-arrival": "data", "execution-status": "status"}
    ids["model-approval"] = "approval"
    return {
        "Metrics": [
            {"Id": "all", "Expression": "SUM(METRICS())", "Label": "Throttles of all functions"},
            *({"Id": ids.get(crate, crate)} | metric for crate, metric in of_one.items()),
        ],
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "ComparisonOperator": AT_LEAST,
        "TreatMissingData": "notBreaching",
    }


ALARMS = {
    "DeadLettersWait": queue("DeadLetters"),
    "DataDeadLettersWait": queue("DataDeadLetters"),
    "DataQueueLate": queue("DataQueue", "ApproximateAgeOfOldestMessage", 300, 3600)
    | {"ActionsEnabled": True},
    "Throttles": throttles(),
    **{f"{name}Errors": errors(crate) for name, crate in CRATES.items()},
    "ReconcilerSilent": sums(
        "AWS/Lambda", "Invocations", [{"Name": "FunctionName", "Value": "retrain-reconciler"}], 900
    )
    | {
        "ActionsEnabled": True,
        "EvaluationPeriods": 2,
        "ComparisonOperator": BELOW,
        "TreatMissingData": "breaching",
    },
    "LooksLate": sums(OWN, "OldestDueAge", [{"Name": "Table", "Value": "<Table>"}], 300)
    | {"ActionsEnabled": True, "Statistic": "Maximum", "EvaluationPeriods": 2, "Threshold": 1800},
    "ExecutionsFail": decisions("failed"),
    "BreakerOpened": decisions("failed", "BreakersOpened"),
    "PoliciesInvalid": decisions("invalid_policy"),
    "PoliciesStale": decisions("stale_policies"),
}
# States that end by themselves are told about when they do.
WITH_END = {
    "DataDeadLettersWait",
    "DataQueueLate",
    "DeadLettersWait",
    "LooksLate",
    "PoliciesInvalid",
    "PoliciesStale",
    "ReconcilerSilent",
}


def problems(stack):
    """Alarms that are missing, look at something else or tell nobody."""
    found = stack.of_type("AWS::CloudWatch::Alarm")
    for name in sorted(set(found) ^ set(ALARMS)):
        yield f"the alarm {name} is missing, or is not expected"
    for name in sorted(set(found) & set(ALARMS)):
        alarm = dict(found[name])
        if not alarm.pop("AlarmDescription", ""):
            yield f"{name} does not say what it means"
        if alarm.pop("AlarmActions", None) != ["<Notices>"]:
            yield f"{name} tells nobody"
        if alarm.pop("OKActions", None) != (["<Notices>"] if name in WITH_END else None):
            yield f"{name} tells of its end, or does not"
        if alarm != ALARMS[name]:
            yield f"{name} looks at {alarm}"
    topics = stack.of_type("AWS::SNS::TopicPolicy").values()
    own = {
        "StringEquals": {"aws:SourceAccount": "111122223333"},
        "ArnLike": {"aws:SourceArn": "arn:aws:cloudwatch:us-east-1:111122223333:alarm:retrain-*"},
    }
    if allowed(topics, "<Notices>", "cloudwatch.amazonaws.com", "sns:Publish") != [own]:
        yield "alarms may not publish, or those of others may"
    yield from releases(stack)
    yield from dashboard(stack)


def releases(stack):
    """Functions whose releases take over at once, or are not rolled back."""
    groups = stack.of_type("AWS::CodeDeploy::DeploymentGroup")
    for name in CRATES:
        alias = stack.resources.get(f"{name}Aliaslive", {})
        update = stack.resolve(alias.get("UpdatePolicy", {})).get("CodeDeployLambdaAliasUpdate", {})
        group = groups.get(f"{name}DeploymentGroup", {})
        if update.get("DeploymentGroupName") != f"<{name}DeploymentGroup>":
            yield f"a release of {name} takes over at once"
        watched = group.get("AlarmConfiguration", {}).get("Alarms")
        if watched != [{"Name": f"<{name}Errors>"}]:
            yield f"a release of {name} is rolled back by {watched}"
        config = f"CodeDeployDefault.Lambda{stack.parameters['DeploymentPreference']}"
        if group.get("DeploymentConfigName") != config:
            yield f"a release of {name} takes over as {group.get('DeploymentConfigName')}"


def dashboard(stack):
    """Alarms, functions and queues that the dashboard does not show."""
    boards = stack.of_type("AWS::CloudWatch::Dashboard")
    if not boards:
        yield "there is no dashboard"
        return
    (board,) = boards.values()
    widgets = json.loads(board["DashboardBody"])["widgets"]
    shown = json.dumps(widgets)
    names = [f"<{name}.Arn>" for name in stack.of_type("AWS::CloudWatch::Alarm")]
    names += [f'"FunctionName", "retrain-{crate}"' for crate in CRATES.values()]
    names += [f'"QueueName", "<{name}.QueueName>"' for name in stack.of_type("AWS::SQS::Queue")]
    names += ["{RetrainController,Outcome}"]
    names += [f'"{OWN}", "{name}"' for name in ("BreakersOpened", "Decisions", "OldestDueAge")]
    for name in names:
        if name not in shown:
            yield f"the dashboard does not show {name}"
