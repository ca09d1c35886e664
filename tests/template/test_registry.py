"""The example of another account's registry fits the controller."""

import json

import pytest
from samtranslator.yaml_helper import yaml_parse

import access
import calls
import deployed
import mutations
import outputs
import registries
from delivery import allowed, open_connections
from pattern import matches
from routing import samples

REGISTRY = "444455556666"
ROLES = "<one role>,<another role>"
PARAMETERS = {
    "ModelPackageGroupName": "fraud-detection",
    "GroupExists": "false",
    "ControllerAccountId": deployed.ACCOUNT,
    "ControllerRoleArns": ROLES,
}
DEAD = "<DeadLetters.Arn>"
RULE = f"arn:aws:events:us-east-1:{REGISTRY}:rule/retrain-registry-fraud-detection"
PACKAGES = f"arn:aws:sagemaker:us-east-1:{REGISTRY}:model-package/fraud-detection/*"


class Account(deployed.Stack):
    """A stack in the registry's account."""

    def _ref(self, name):
        return REGISTRY if name == "AWS::AccountId" else super()._ref(name)

    def _attribute(self, operand):
        return super()._attribute(operand).replace(deployed.ACCOUNT, REGISTRY)

    _FUNCTIONS = deployed.Stack._FUNCTIONS | {"Ref": _ref, "Fn::GetAtt": _attribute}


@pytest.fixture(scope="module")
def template():
    path = deployed.ROOT / "examples/registry.yaml"
    return yaml_parse(path.read_text(encoding="utf-8"))


def problems(template):
    """What is wrong with the account's stack."""
    stack = Account(template, PARAMETERS)
    (rule,) = stack.of_type("AWS::Events::Rule").values()
    yield from deliveries(rule)
    wanted = [
        {
            "Id": "controller",
            "Arn": registries.BUS,
            "RoleArn": "<SenderRole.Arn>",
            "DeadLetterConfig": {"Arn": DEAD},
        }
    ]
    if rule["Targets"] != wanted or RULE != stack.resolve({"Fn::GetAtt": "Events.Arn"}):
        yield f"events go to {rule['Targets']}"
    yield from sender(stack)
    yield from dead_letters(stack)
    yield from group(stack)
    existing = Account(template, PARAMETERS | {"GroupExists": "true"})
    if existing.of_type("AWS::SageMaker::ModelPackageGroup"):
        yield "a group that exists is made"


def deliveries(rule):
    """Samples that the rule sends and should not, or the other way round."""
    known = samples()
    event = known[registries.FOREIGN]
    other = {"resources": [PACKAGES.replace("fraud-detection/*", "fraud-detection-2/1")]}
    wanted = [
        (event, True),
        (event | other, False),
        (event | {"source": "aws.s3"}, False),
        (event | {"detail-type": "SageMaker Model State Change"}, False),
        (known["model-approval/approved.json"], False),
    ]
    for sent, goes in wanted:
        if matches(rule["EventPattern"], sent) != goes:
            yield f"the rule {'keeps' if goes else 'sends'} {sent}"


def sender(stack):
    """A role that may do more or less than send."""
    role = stack.of_type("AWS::IAM::Role")["SenderRole"]
    sends = {("events:PutEvents", registries.BUS, None)}
    yield from access.differences("SenderRole", access.of_role(stack, role), sends)
    of_the_rule = {
        "StringEquals": {"aws:SourceAccount": REGISTRY},
        "ArnEquals": {"aws:SourceArn": RULE},
    }
    service = {"Service": "events.amazonaws.com"}
    if access.trusted(role) != [("Allow", service, "sts:AssumeRole", of_the_rule)]:
        yield f"SenderRole is for {access.trusted(role)}"


def dead_letters(stack):
    """A queue that is lost, open, or does not take what the rule cannot send."""
    (queue,) = stack.of_type("AWS::SQS::Queue").values()
    if queue != {"MessageRetentionPeriod": 1209600, "SqsManagedSseEnabled": True}:
        yield f"the queue is {queue}"
    policies = list(stack.of_type("AWS::SQS::QueuePolicy").values())
    may = allowed(policies, DEAD, "events.amazonaws.com", "sqs:SendMessage")
    if may != [{"ArnEquals": {"aws:SourceArn": RULE}}]:
        yield "the rule may not send to the dead letters"
    yield from open_connections(stack, "AWS::SQS::QueuePolicy", DEAD, "sqs:SendMessage")


def group(stack):
    """A group whose policy allows another thing than the controller's roles do."""
    written = stack.resources["Group"]
    if {written.get("DeletionPolicy"), written.get("UpdateReplacePolicy")} != {"Retain"}:
        yield "the group goes with its stack"
    of_packages = {
        action.split(":")[1]
        for made in calls.CALLS.values()
        for one in access.listed(made)
        for action, resource in one.grants
        if resource == calls.PACKAGES
    }
    wanted = {
        "ModelPackageGroupName": "fraud-detection",
        "ModelPackageGroupPolicy": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "RetrainingControllerDecides",
                    "Effect": "Allow",
                    "Principal": {"AWS": ROLES.split(",")},
                    "Action": sorted(f"sagemaker:{action}" for action in of_packages),
                    "Resource": PACKAGES,
                }
            ],
        },
    }
    found = stack.resolve(written["Properties"])
    if found != wanted:
        yield f"the group is {json.dumps(found)}"


def test_nothing_is_wrong(template):
    assert list(problems(template)) == []


def test_whatever_is_missing_is_noticed(template):
    unnoticed = []
    for way in mutations.ways(template):
        try:
            noticed = any(True for _ in problems(mutations.without(template, way)))
        except Exception:  # of whatever kind: it would fail the test above
            noticed = True
        if not noticed and way != ("Outputs", "DeadLettersUrl"):
            unnoticed.append(way)
    assert unnoticed == []


def test_the_controllers_bus_takes_what_the_rule_sends(template):
    controller = deployed.Stack(
        deployed.translate(deployed.source(), deployed.FULL), deployed.FULL
    )
    (policy,) = controller.of_type("AWS::Events::EventBusPolicy").values()
    assert REGISTRY in policy["Statement"]["Principal"]["AWS"]
    (rule,) = Account(template, PARAMETERS).of_type("AWS::Events::Rule").values()
    sent = policy["Statement"]["Condition"]["StringEquals"]
    assert rule["EventPattern"]["source"] == [sent["events:source"]]
    assert rule["EventPattern"]["detail-type"] == [sent["events:detail-type"]]


def test_the_controller_tells_its_roles():
    told = outputs.OUTPUTS["ApproverRoleArns"].split(",")
    assert set(told) == {f"<{name}Role.Arn>" for name in calls.APPROVERS}
