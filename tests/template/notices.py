"""Which decisions a person is told about, and in which words."""

import copy
import json
import re
from functools import cache
from pathlib import Path

from deployed import ROOT
from pattern import matches
from routing import rules_for

RECORDS = Path(__file__).parent / "records"

# Records of the table's stream, taken from a table that the functions have written. For each:
# the rules that tell it, and the first line that a person reads.
RECORDED = {
    "started": ({"retrain-notices"}, "fraud-detection#retrain: started"),
    "failed": ({"retrain-notices"}, "fraud-detection#retrain: failed"),
    "breaker-opened": (
        {"retrain-notices", "retrain-breaker"},
        "fraud-detection#retrain: failed",
    ),
    "misconfigured": ({"retrain-notices"}, "fraud-detection#retrain: not_started"),
    "awaits-person": (
        {"retrain-notices"},
        "fraud-detection#package#arn:aws:sagemaker:us-east-1:111122223333:model-package"
        "/fraud-detection/2: awaits_person",
    ),
    "deployment-started": ({"retrain-notices"}, "fraud-detection#deploy#production: started"),
    "rolled-back": ({"retrain-notices"}, "fraud-detection#deploy#production: rolled_back"),
    "package-approved": (
        {"retrain-notices"},
        "fraud-detection#package#arn:aws:sagemaker:us-east-1:111122223333:model-package"
        "/fraud-detection/2: approved",
    ),
    "package-slot": (set(), None),
    "package-wrote": (set(), None),
    "no-capacity": (set(), None),
    "claimed": (set(), None),
    "held": (set(), None),
    "succeeded": (set(), None),
    "slot": (set(), None),
    "marker": (set(), None),
    "controller": (set(), None),
}

ALWAYS = {
    "approved", "awaits_person", "contested", "failed", "no_package", "not_written", "rejected",
    "reminded", "rolled_back", "second_execution", "started",
}
SOMETIMES = {"baseline", "interrupted", "no_improvement", "not_started", "withdrawn"}
# Steps on the way, what a person has done, and what needs nobody.
NEVER = {
    "abandoned", "alarm_cleared", "breaker_reset", "claimed", "counted", "dropped", "duplicate",
    "foreign_run_ended", "foreign_run_seen", "held", "not_approved", "not_sent", "not_taken",
    "package_noted", "package_seen", "paused", "reopened", "resumed", "retired", "signed_off",
    "stale", "start_unknown", "stopped", "succeeded", "unchanged", "unconfirmed", "undecided",
    "unpaused", "would_decide", "would_start", "write_unknown", "writing", "wrote", "yielded",
}
# That of `failed` with other fields, for the outcomes whose fields matter.
MADE = [
    *(({"outcome": {"S": name}}, True) for name in sorted(ALWAYS)),
    *(({"outcome": {"S": name}}, False) for name in sorted(NEVER)),
    ({"outcome": {"S": "no_improvement"}, "given_up": {"N": "1"}}, True),
    ({"outcome": {"S": "no_improvement"}, "given_up": {"N": "0"}}, False),
    ({"outcome": {"S": "interrupted"}, "given_up": {"N": "12"}}, True),
    ({"outcome": {"S": "interrupted"}, "given_up": {"N": "0"}}, False),
    ({"outcome": {"S": "withdrawn"}, "rollback": {"M": {"rollback": {"S": "reported"}}}}, True),
    ({"outcome": {"S": "withdrawn"}}, False),
    ({"outcome": {"S": "baseline"}, "baseline": {"S": "refused"}}, True),
    ({"outcome": {"S": "baseline"}, "baseline": {"S": "no_baseline"}}, True),
    ({"outcome": {"S": "baseline"}, "baseline": {"S": "refreshed"}}, False),
]


def outcomes_in_source():
    """Every outcome that the core knows, with its fields, as they are stored."""
    text = (ROOT / "crates/retrain-core/src/decision/outcome.rs").read_text(encoding="utf-8")
    body = re.search(r"pub enum Outcome \{\n(.*?)\n\}\n", text, re.DOTALL).group(1)
    found = {}
    written = re.compile(r"^    (\w+)(?: \{\n(.*?)\n    \})?,$", re.MULTILINE | re.DOTALL)
    for variant, fields in written.findall(body):
        name = re.sub(r"(?<!^)([A-Z])", r"_\1", variant).lower()
        found[name] = set(re.findall(r"^        (\w+):", fields, re.MULTILINE))
    return found


@cache
def record(name):
    """A record of the stream."""
    return json.loads((RECORDS / f"{name}.json").read_bytes())


def made(fields):
    """The record of a failure with another outcome."""
    changed = copy.deepcopy(record("failed"))
    changed["dynamodb"]["NewImage"]["decision"]["M"]["outcome"]["M"].update(fields)
    return changed


def event_of(stack, found):
    """The event that the pipe makes of a record, or nothing if it leaves it out."""
    (pipe,) = stack.of_type("AWS::Pipes::Pipe").values()
    filters = pipe["SourceParameters"]["FilterCriteria"]["Filters"]
    if not any(matches(json.loads(one["Pattern"]), found) for one in filters):
        return None
    to = pipe["TargetParameters"]["EventBridgeEventBusParameters"]
    return {
        "source": to["Source"],
        "detail-type": to["DetailType"],
        "resources": to["Resources"],
        "detail": json.loads(filled(pipe["TargetParameters"]["InputTemplate"], found)),
    }


def filled(template, found):
    """A pipe's template, with what its paths lead to. Text is put between quotes, all else
    without them, as the pipes' documentation asks for."""

    def value(match):
        place = found
        for part in match.group(2).split("."):
            place = place[part]
        quoted = match.group(1) == '"'
        assert quoted == isinstance(place, str), match.group(0)
        assert not quoted or not re.search(r'["\\]', place), place
        return json.dumps(place)

    return re.sub(r'("?)<\$\.([\w.]+)>\1', value, template)


def message(rule, event):
    """What a rule writes about an event: one line for each quoted text. A path that leads
    nowhere leaves nothing."""
    transformer = rule["Targets"][0]["InputTransformer"]
    values = {}
    for name, path in transformer["InputPathsMap"].items():
        place = event
        for part in path.removeprefix("$.").split("."):
            place = place.get(part, {})
        values[name] = place or ""
    lines = [json.loads(line) for line in transformer["InputTemplate"].split("\n")]
    return [re.sub(r"<(\w+)>", lambda match: values[match.group(1)], line) for line in lines]


def problems(stack):
    """Decisions that are told and should not be, or the other way round."""
    rules = {rule["Name"]: rule for rule in stack.of_type("AWS::Events::Rule").values()}
    for name, (wanted, first) in RECORDED.items():
        event = event_of(stack, record(name))
        told = rules_for(stack, event) if event else set()
        if told != wanted:
            yield f"{name} is told by {sorted(told)} instead of {sorted(wanted)}"
        if first and "retrain-notices" in told:
            image = record(name)["dynamodb"]["NewImage"]
            console = image["decision"]["M"].get("console_url", {}).get("S", "")
            if message(rules["retrain-notices"], event) != [first, image["text"]["S"], console]:
                yield f"{name} is told as {message(rules['retrain-notices'], event)}"
        if "retrain-breaker" in told:
            first_line, *_ = message(rules["retrain-breaker"], event)
            if "fraud-detection" not in first_line:
                yield "an open breaker is told without its model"
    for fields, wanted in MADE:
        if (event_of(stack, made(fields)) is not None) != wanted:
            yield f"{fields} is told, or is not"
    later = record("started") | {"eventName": "MODIFY"}
    if event_of(stack, later):
        yield "an old decision is told again"
    opened = event_of(stack, record("breaker-opened"))
    for field in ("source", "detail-type", "resources"):
        if opened and rules_for(stack, opened | {field: ["another"]}):
            yield f"another {field} is told too"
    yield from pipe(stack)


def pipe(stack):
    """A pipe that loses decisions on their way."""
    (found,) = stack.of_type("AWS::Pipes::Pipe").values()
    bus = "arn:aws:events:us-east-1:111122223333:event-bus/default"
    wanted = {
        "Name": "retrain-decisions",
        "RoleArn": "<PipeRole.Arn>",
        "Source": "<Table.StreamArn>",
        "Target": bus,
    }
    for name, value in wanted.items():
        if found.get(name) != value:
            yield f"the pipe's {name} is {found.get(name)}"
    stream = dict(found["SourceParameters"]["DynamoDBStreamParameters"])
    kept = {
        "StartingPosition": "LATEST",
        "BatchSize": 10,
        "MaximumRecordAgeInSeconds": 86400,
        "MaximumRetryAttempts": 185,
        "OnPartialBatchItemFailure": "AUTOMATIC_BISECT",
        "DeadLetterConfig": {"Arn": "<DeadLetters.Arn>"},
    }
    if stream != kept:
        yield f"the pipe reads the stream with {stream}"
    subscribed = list(stack.of_type("AWS::SNS::Subscription").values())
    email = {"TopicArn": "<Notices>", "Protocol": "email", "Endpoint": "ana@example.com"}
    if subscribed != [email]:
        yield f"who listens is {subscribed}"


def nobody_subscribed(stack):
    """Subscriptions of a stack that was given no address."""
    for name in stack.of_type("AWS::SNS::Subscription"):
        yield f"{name} is for nobody"
