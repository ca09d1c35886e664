"""Registries of other accounts: whose events come in, and nothing but those."""

from access import grants
from routing import rules_for, samples

BUS = "arn:aws:events:us-east-1:111122223333:event-bus/default"
FOREIGN = "model-approval/other-account.json"


def problems(stack):
    """What is wrong with the bus's policy of a stack that hears other accounts."""
    wanted = {
        "StatementId": "retrain-registries",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"AWS": stack.parameters["RegistryAccountIds"]},
            "Action": "events:PutEvents",
            "Resource": BUS,
            "Condition": {
                "StringEquals": {
                    "events:source": "aws.sagemaker",
                    "events:detail-type": "SageMaker Model Package State Change",
                }
            },
        },
    }
    found = list(stack.of_type("AWS::Events::EventBusPolicy").values())
    if found != [wanted]:
        yield f"the bus is open as {found} says"


def closed(stack):
    """What a stack that names no other account still takes from one, or may do there."""
    for name in stack.of_type("AWS::Events::EventBusPolicy"):
        yield f"{name} opens the bus"
    event = samples()[FOREIGN]
    if rules_for(stack, event):
        yield f"{FOREIGN} is delivered by {sorted(rules_for(stack, event))}"
    if rules_for(stack, samples()["model-approval/approved.json"]) != {"retrain-packages"}:
        yield "the account's own packages are not delivered"
    for name, policy in stack.of_type("AWS::IAM::ManagedPolicy").items():
        for action, resource, condition in grants(policy["PolicyDocument"]):
            if "aws:ResourceAccount" in (condition or "") or ":*:model-package/" in resource:
                yield f"{name} may {action} {resource}"
