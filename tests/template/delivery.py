"""Everything arrives where it is sent, and what cannot is kept."""

from access import listed
from settings import CRATES

DEAD = "<DeadLetters.Arn>"
FOURTEEN_DAYS = 1209600


def allowed(policies, resource, service, action):
    """The conditions under which a resource's policies let a service do something."""
    return [
        one.get("Condition", {})
        for policy in policies
        for one in policy["PolicyDocument"]["Statement"]
        if one["Effect"] == "Allow"
        and one["Principal"] == {"Service": service}
        and one["Action"] == action
        and one["Resource"] == resource
    ]


def may_send(policies, queue, rule):
    """Whether a rule, and not everybody's, may send to a queue."""
    conditions = allowed(policies, queue, "events.amazonaws.com", "sqs:SendMessage")
    return len(conditions) == 1 and rule in listed(conditions[0]["ArnEquals"]["aws:SourceArn"])


def rules(stack):
    """Rules whose target does not take what they send, or that lose what it does not take."""
    of_queues = list(stack.of_type("AWS::SQS::QueuePolicy").values())
    of_topics = list(stack.of_type("AWS::SNS::TopicPolicy").values())
    permissions = list(stack.of_type("AWS::Lambda::Permission").values())
    targets = set()
    for name, rule in stack.of_type("AWS::Events::Rule").items():
        arn = f"arn:aws:events:us-east-1:111122223333:rule/{rule['Name']}"
        for target in rule.get("Targets", []):
            to = target["Arn"]
            targets.add((rule["Name"], to))
            if target.get("DeadLetterConfig") != {"Arn": DEAD}:
                yield f"{name} loses what {to} does not take"
            if not may_send(of_queues, DEAD, arn):
                yield f"{name} may not send to the dead letters"
            if to == "<DataQueue.Arn>":
                may = may_send(of_queues, to, arn)
            elif to == "<Notices>":
                # EventBridge's calls on SNS satisfy no condition.
                may = allowed(of_topics, to, "events.amazonaws.com", "sns:Publish") == [{}]
            else:
                given = [one for one in permissions if one["SourceArn"] == arn]
                may = given == [invocation(to, arn)]
            if not may:
                yield f"{name} may not send to {to}"
    wanted = {
        ("retrain-alarms", "<DriftAlarmAliaslive>"),
        ("retrain-sagemaker", "<ExecutionStatusAliaslive>"),
        ("retrain-codepipeline", "<ExecutionStatusAliaslive>"),
        ("retrain-packages", "<ModelApprovalAliaslive>"),
        ("retrain-endpoints", "<ModelApprovalAliaslive>"),
        ("retrain-reconcile", "<ReconcilerAliaslive>"),
        ("retrain-data", "<DataQueue.Arn>"),
        ("retrain-notices", "<Notices>"),
        ("retrain-breaker", "<Notices>"),
    }
    for rule, to in sorted(targets ^ wanted):
        yield f"the rule {rule} is missing, or should not be there, for {to}"
    by_time = {
        rule["Name"]: rule["ScheduleExpression"]
        for rule in stack.of_type("AWS::Events::Rule").values()
        if "EventPattern" not in rule
    }
    if by_time != {"retrain-reconcile": "rate(5 minutes)"}:
        yield "the reconciler does not run every five minutes"


def invocation(function, rule):
    """A rule's permission to invoke a function."""
    return {
        "FunctionName": function,
        "Action": "lambda:InvokeFunction",
        "Principal": "events.amazonaws.com",
        "SourceArn": rule,
    }


def functions(stack):
    """Functions that forget what they have failed."""
    for name in CRATES:
        configured = [
            found
            for found in stack.of_type("AWS::Lambda::EventInvokeConfig").values()
            if found["FunctionName"] == f"retrain-{CRATES[name]}"
        ]
        wanted = {
            "FunctionName": f"retrain-{CRATES[name]}",
            "Qualifier": "live",
            "MaximumEventAgeInSeconds": 21600,
            "MaximumRetryAttempts": 2,
            "DestinationConfig": {"OnFailure": {"Destination": DEAD}},
        }
        if configured != [wanted]:
            yield f"{name} is invoked under {configured}"


def queues(stack):
    """Queues that lose or repeat messages, or let anybody read them on their way."""
    found = stack.of_type("AWS::SQS::Queue")
    for name, queue in found.items():
        if queue.get("MessageRetentionPeriod") != FOURTEEN_DAYS:
            yield f"{name} forgets messages early"
        if queue.get("SqsManagedSseEnabled") is not True:
            yield f"{name} is not encrypted"
        arn = f"<{name}.Arn>"
        yield from open_connections(stack, "AWS::SQS::QueuePolicy", arn, "sqs:SendMessage")
    yield from open_connections(stack, "AWS::SNS::TopicPolicy", "<Notices>", "sns:Publish")
    redrive = {"deadLetterTargetArn": "<DataDeadLetters.Arn>", "maxReceiveCount": 5}
    if found["DataQueue"].get("RedrivePolicy") != redrive:
        yield f"the data queue gives up as {found['DataQueue'].get('RedrivePolicy')} says"

    mappings = stack.of_type("AWS::Lambda::EventSourceMapping")
    wanted = {
        "EventSourceArn": "<DataQueue.Arn>",
        "FunctionName": "<DataArrivalAliaslive>",
        "Enabled": True,
        "BatchSize": 500,
        "MaximumBatchingWindowInSeconds": 20,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": stack.parameters["DataConcurrency"]},
    }
    if list(mappings.values()) != [wanted]:
        yield f"the data queue is read as {list(mappings.values())}"
        return
    timeout = stack.of_type("AWS::Lambda::Function")["DataArrival"]["Timeout"]
    least = 6 * timeout + wanted["MaximumBatchingWindowInSeconds"]
    if found["DataQueue"].get("VisibilityTimeout", 30) < least:
        yield f"messages come again before {least} s are over"


def open_connections(stack, kind, resource, action):
    """A resource to which one may send over an unencrypted connection."""
    refusal = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": resource,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    for policy in stack.of_type(kind).values():
        attached = policy.get("Queues") or policy.get("Topics")
        for one in policy["PolicyDocument"]["Statement"]:
            sid = {"Sid": one.get("Sid")}
            if one == refusal | sid and attached == [resource.replace(".Arn", "")]:
                return
    yield f"{resource} takes messages over unencrypted connections"


def switched_off(stack):
    """What a stack with its rules disabled still delivers."""
    on = {
        rule["Name"]
        for rule in stack.of_type("AWS::Events::Rule").values()
        if rule.get("State", "ENABLED") == "ENABLED"
    }
    if on != {"retrain-data", "retrain-notices", "retrain-breaker"}:
        yield f"these rules are on: {sorted(on)}"
    for name, mapping in stack.of_type("AWS::Lambda::EventSourceMapping").items():
        if mapping["Enabled"]:
            yield f"{name} is on"
    for name in ("DataQueueLate", "LooksLate", "ReconcilerSilent"):
        if stack.of_type("AWS::CloudWatch::Alarm")[name].get("ActionsEnabled", True):
            yield f"{name} would tell what everybody knows"


def problems(stack):
    """All of the above, for a stack that is on."""
    yield from rules(stack)
    yield from functions(stack)
    yield from queues(stack)
