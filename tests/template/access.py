"""What each role may do: no more than the code calls, and no less."""

import json

import calls
import deployed

EDGE = {  # What Lambda itself does in a function's name.
    "DriftAlarm": set(),
    "ExecutionStatus": set(),
    "ModelApproval": set(),
    "Reconciler": set(),
    "DataArrival": {
        ("sqs:DeleteMessage", "<DataQueue.Arn>"),
        ("sqs:GetQueueAttributes", "<DataQueue.Arn>"),
        ("sqs:ReceiveMessage", "<DataQueue.Arn>"),
    },
}
SERVICES = ["s3.us-east-1.amazonaws.com", "ssm.us-east-1.amazonaws.com"]
KEYS_VIA = {"StringEquals": {"kms:ViaService": SERVICES}}
PIPE = {
    *((f"dynamodb:{action}", "<Table.StreamArn>", None)
      for action in ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")),
    ("events:PutEvents", "arn:aws:events:us-east-1:111122223333:event-bus/default", None),
    ("sqs:SendMessage", "<DeadLetters.Arn>", None),
}
# Calls that AWS does not authorise by resource.
WITHOUT_RESOURCE = {
    "cloudwatch:DescribeAlarms",
    "codepipeline:PutJobFailureResult",
    "codepipeline:PutJobSuccessResult",
    "sagemaker:ListModelPackages",
    "sagemaker:ListMonitoringSchedules",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}


def expected(function):
    """The grants of a function's role, when every feature is on."""
    every = (one for made in calls.CALLS.values() for one in listed(made))
    made = [one for one in every if function in one.functions]
    own = {grant for one in made for grant in one.grants} | EDGE[function]
    logs = f"<{function}Logs.Arn>"
    own |= {(f"logs:{action}", logs) for action in ("CreateLogStream", "PutLogEvents")}
    own |= {("sqs:SendMessage", "<DeadLetters.Arn>")}
    own |= {(f"xray:{action}", "*") for action in ("PutTelemetryRecords", "PutTraceSegments")}
    via = json.dumps(KEYS_VIA, sort_keys=True)
    keys = {
        (f"kms:{action}", f"<key {number}>", via)
        for action in ("Decrypt", "GenerateDataKey")
        for number in ("one", "two")
    }
    conditional = set()
    if function in calls.APPROVERS:
        # What creating a definition takes besides.
        own |= {("sagemaker:AddTags", calls.DEFINITIONS)}
        passed = json.dumps({"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}})
        conditional = {("iam:PassRole", "<monitoring role>", passed)}
        conditional |= of_other_accounts(own)
    return {(action, resource, None) for action, resource in own} | keys | conditional


def of_other_accounts(own):
    """What is granted for the registries of other accounts: the same as for the own one's."""
    accounts = deployed.FULL["RegistryAccountIds"].split(",")
    condition = json.dumps({"StringEquals": {"aws:ResourceAccount": accounts}})
    return {
        (action, calls.PACKAGES.replace(deployed.ACCOUNT, "*"), condition)
        for action, resource in own
        if resource == calls.PACKAGES
    }


def listed(value):
    """A value that may be one or a list of several, as a list."""
    return value if isinstance(value, list) else [value]


def grants(document):
    """What a policy document allows: action, resource, condition."""
    found = set()
    for statement in document["Statement"]:
        condition = statement.get("Condition")
        condition = condition and json.dumps(condition, sort_keys=True)
        if statement["Effect"] == "Allow":
            found |= {
                (action, resource, condition)
                for action in listed(statement["Action"])
                for resource in listed(statement["Resource"])
            }
    return found


def of_role(stack, role):
    """What a role may do, by its own policies and by the managed ones."""
    policies = stack.of_type("AWS::IAM::ManagedPolicy")
    managed = {f"<{name}>": policy for name, policy in policies.items()}
    documents = [managed[name]["PolicyDocument"] for name in role.get("ManagedPolicyArns", [])]
    documents += [policy["PolicyDocument"] for policy in role.get("Policies", [])]
    return set().union(*map(grants, documents))


def trusted(role):
    """Which service may take the role, under which condition."""
    statements = role["AssumeRolePolicyDocument"]["Statement"]
    return [
        (one["Effect"], one["Principal"], one["Action"], one.get("Condition")) for one in statements
    ]


def problems(stack):
    """What is wrong with the roles of a stack that has every feature."""
    roles = stack.of_type("AWS::IAM::Role")
    functions = stack.of_type("AWS::Lambda::Function")
    if set(functions) != set(EDGE):
        yield f"the functions are {sorted(functions)}"
        return
    for name, function in functions.items():
        if function["Role"] != f"<{name}Role.Arn>":
            yield f"{name} has the role {function['Role']}"
        role = roles[f"{name}Role"]
        yield from differences(f"{name}Role", of_role(stack, role), expected(name))
        lambda_alone = ("Allow", {"Service": "lambda.amazonaws.com"}, "sts:AssumeRole", None)
        if trusted(role) != [lambda_alone]:
            yield f"{name}Role is for {trusted(role)}"
    yield from differences("PipeRole", of_role(stack, roles["PipeRole"]), PIPE)
    of_this_account = {"StringEquals": {"aws:SourceAccount": "111122223333"}}
    pipes = ("Allow", {"Service": "pipes.amazonaws.com"}, "sts:AssumeRole", of_this_account)
    if trusted(roles["PipeRole"]) != [pipes]:
        yield f"PipeRole is for {trusted(roles['PipeRole'])}"


def differences(who, found, wanted):
    """What a role lacks, and what it has too much."""
    for action, resource, condition in sorted(wanted - found, key=str):
        yield f"{who} may not {action} {resource} {condition or ''}"
    for action, resource, condition in sorted(found - wanted, key=str):
        yield f"{who} needs no {action} {resource} {condition or ''}"


def broad(stack):
    """Grants that are wider than a name, in a stack of any size."""
    for name, role in stack.of_type("AWS::IAM::Role").items():
        if name == "CodeDeployServiceRole":  # SAM's own
            continue
        for action, resource, _ in of_role(stack, role):
            if "*" in action:
                yield f"{name} may {action}"
            if resource == "*" and action not in WITHOUT_RESOURCE:
                yield f"{name} may {action} everything"
            if resource.endswith((":", ":::", "/")) or ":::/" in resource:
                yield f"{name} may {action} {resource}, which names nothing"
