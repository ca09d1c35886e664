"""The table is the one that the code expects."""

import re
from functools import cache

from deployed import ROOT

CRATE = ROOT / "crates/retrain-debounce/src"


@cache
def in_source():
    """The table as the code makes it in a sandbox, in CloudFormation's words."""
    text = (CRATE / "table.rs").read_text(encoding="utf-8")
    constants = dict(
        re.findall(
            r'const (\w+): &str = "(\w+)";', (CRATE / "items.rs").read_text(encoding="utf-8") + text
        )
    )

    def keys(part):
        found = re.findall(r"key_schema\(key\((\w+), KeyType::(\w+)\)", part)
        return [
            {"AttributeName": constants[name], "KeyType": kind.upper()} for name, kind in found
        ]

    _, *parts = re.split(r"GlobalSecondaryIndex::builder\(\)", text)
    parts[-1], table = parts[-1].split(".create_table()")
    projections = {"KeysOnly": "KEYS_ONLY", "All": "ALL"}
    return {
        "AttributeDefinitions": [
            {"AttributeName": constants[name], "AttributeType": "S"}
            for name in re.findall(r"attribute_definitions\(attribute\((\w+)\)", table)
        ],
        "KeySchema": keys(table),
        "GlobalSecondaryIndexes": [
            {
                "IndexName": constants[re.search(r"index_name\((\w+)\)", part).group(1)],
                "KeySchema": keys(part),
                "Projection": {
                    "ProjectionType": projections[
                        re.search(r"ProjectionType::(\w+)", part).group(1)
                    ]
                },
            }
            for part in parts
        ],
        "TimeToLiveSpecification": {
            "AttributeName": constants[re.search(r"attribute_name\((\w+)\)\n", text).group(1)],
            "Enabled": True,
        },
    }


# What only a real table has.
BESIDES = {
    "BillingMode": "PAY_PER_REQUEST",
    "DeletionProtectionEnabled": True,
    "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
    "SSESpecification": {"SSEEnabled": True},
    "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
}


def problems(stack):
    """Differences between the template's table and the code's."""
    wanted = in_source() | BESIDES
    found = stack.of_type("AWS::DynamoDB::Table")["Table"]
    for name in sorted(set(wanted) | set(found)):
        if found.get(name) != wanted.get(name):
            yield f"the table has {name} {found.get(name)}, the code {wanted.get(name)}"
    for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
        if stack.resources["Table"].get(policy) != "Retain":
            yield f"the table's {policy} does not retain it"
