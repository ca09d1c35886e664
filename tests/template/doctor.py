"""The rules of the template as the tests of `retrainctl doctor` need them: with the names of
their model, in a file beside them.

`python doctor.py` writes the file.
"""

import json
import re

import deployed
import settings

FILE = deployed.ROOT / "crates/retrainctl/tests/aws/doctor/rules.json"
# What covers that model's names.
PARAMETERS = deployed.FULL | {
    "CodePipelineNames": "fraud-detection-*",
    "DataBucketNames": "fraud-*",
    "EndpointNames": "fraud-*",
    "RegistryAccountIds": "",
}


def rules(template):
    """Each rule that tells a function: its name, the function, whether a queue is between
    them, and its pattern or its schedule."""
    stack = deployed.Stack(deployed.translate(template, PARAMETERS), PARAMETERS)
    mappings = stack.of_type("AWS::Lambda::EventSourceMapping").values()
    readers = {one["EventSourceArn"]: one["FunctionName"] for one in mappings}
    found = []
    for rule in stack.of_type("AWS::Events::Rule").values():
        (target,) = rule["Targets"]
        alias = re.fullmatch(r"<(\w+)Aliaslive>", readers.get(target["Arn"], target["Arn"]))
        if alias is None:
            continue
        on = ("schedule", "ScheduleExpression") if "ScheduleExpression" in rule else (
            "pattern", "EventPattern"
        )
        found.append({
            "name": rule["Name"],
            "function": settings.CRATES[alias.group(1)],
            "queue": target["Arn"] in readers,
            on[0]: rule[on[1]],
        })
    return sorted(found, key=lambda rule: rule["name"])


def written(template):
    """The text of the file."""
    return json.dumps(rules(template), indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(written(deployed.source()), encoding="utf-8")
