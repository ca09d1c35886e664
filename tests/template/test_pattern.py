"""The matcher decides as EventBridge's documentation says.

The cases are those of the EventBridge User Guide, pages "Amazon EventBridge event patterns",
"Comparison operators" and "Arrays", with events of the same shape.
"""

import pytest

from pattern import UnknownOperator, matches

INSTANCE = {
    "source": "aws.ec2",
    "detail-type": "EC2 Instance State-change Notification",
    "resources": ["arn:aws:ec2:us-west-1:123456789012:instance/i-1234567890abcdef0"],
    "detail": {"instance-id": "i-1234567890abcdef0", "state": "terminated"},
}
GROUP = {"resources": ["arn:a:i-b188560f", "arn:a:i-11111111", "arn:b:group/c"]}
OBJECT = {"detail": {"object": {"key": "dir1/dir2/data.png", "size": 300.0}, "region": "eu-1"}}


def detail(name, *values):
    return {"detail": {name: list(values)}}


def key(*values):
    return {"detail": {"object": {"key": list(values)}}}


@pytest.mark.parametrize(
    ("pattern", "event", "fits"),
    [
        # Exact values; one of a list is enough, every named field is needed.
        ({"source": ["aws.ec2"]}, INSTANCE, True),
        ({"source": ["aws.ec2", "aws.fargate"]}, INSTANCE, True),
        ({"source": ["aws.ec"]}, INSTANCE, False),
        ({"source": ["aws.ec2"], **detail("state", "running")}, INSTANCE, False),
        (detail("state", "running", "terminated"), INSTANCE, True),
        (detail("State", "terminated"), INSTANCE, False),
        # Numbers are compared as numbers, truth values and null as what they are.
        ({"detail": {"object": {"size": [300]}}}, OBJECT, True),
        ({"a": [True]}, {"a": True}, True),
        ({"a": [True]}, {"a": 1}, False),
        ({"a": [None]}, {"a": None}, True),
        ({"a": [None]}, {}, False),
        ({"a": [""]}, {"a": ""}, True),
        # Arrays intersect.
        ({"resources": ["arn:a:i-11111111", "arn:c"]}, GROUP, True),
        ({"resources": ["arn:c"]}, GROUP, False),
        ({"a": {"b": [2]}}, {"a": [{"b": 1}, {"b": 2}]}, True),
        # Prefix, suffix, wildcard.
        ({"detail": {"region": [{"prefix": "eu-"}]}}, OBJECT, True),
        ({"detail": {"region": [{"prefix": "us-"}]}}, OBJECT, False),
        (key({"suffix": ".png"}), OBJECT, True),
        (key({"suffix": ".jpg"}), OBJECT, False),
        (key({"wildcard": "dir1/*/data.png"}), OBJECT, True),
        (key({"wildcard": "dir1/*"}), OBJECT, True),
        (key({"wildcard": "*"}), OBJECT, True),
        (key({"wildcard": "dir2/*"}), OBJECT, False),
        (key({"wildcard": "dir1/dir2/data.pn"}), OBJECT, False),
        (key({"wildcard": "dir1?dir2*"}), OBJECT, False),
        ({"resources": [{"wildcard": "arn:*/c"}]}, GROUP, True),
        # Anything but.
        (detail("state", {"anything-but": "initializing"}), INSTANCE, True),
        (detail("state", {"anything-but": ["running", "terminated"]}), INSTANCE, False),
        (detail("lifecycle", {"anything-but": "spot"}), INSTANCE, False),
        ({"n": [{"anything-but": "0"}]}, {"n": "2"}, True),
        ({"n": [{"anything-but": "0"}]}, {"n": "0"}, False),
        # One of several.
        ({"detail": {"$or": [{"state": ["gone"]}, {"state": ["terminated"]}]}}, INSTANCE, True),
        ({"detail": {"$or": [{"state": ["gone"]}, {"state": ["running"]}]}}, INSTANCE, False),
        # Presence is about leaves.
        (detail("state", {"exists": True}), INSTANCE, True),
        (detail("lifecycle", {"exists": True}), INSTANCE, False),
        (detail("lifecycle", {"exists": False}), INSTANCE, True),
        (detail("state", {"exists": False}), INSTANCE, False),
        # A detail that is text has no fields.
        (detail("state", "terminated"), {"detail": '{"state": "terminated"}'}, False),
    ],
)
def test_it_decides_as_documented(pattern, event, fits):
    assert matches(pattern, event) is fits


@pytest.mark.parametrize(
    "pattern",
    [
        {"$and": [{"a": [1]}]},
        {"a": [{"numeric": [">", 0]}]},
        {"a": [{"prefix": {"equals-ignore-case": "b"}}]},
        {"a": [{"anything-but": {"prefix": "b"}}]},
        {"a": [{"prefix": "b", "suffix": "c"}]},
        {"a": "b"},
        {"a": []},
        {"a": [{"wildcard": "b**"}]},
    ],
)
def test_what_it_does_not_know_is_an_error(pattern):
    with pytest.raises(UnknownOperator):
        matches(pattern, {"a": "b"})
