"""The runbook speaks of what the stack has, in commands that AWS knows."""

import json
import os
import re
import subprocess
import sys

import botocore.session
import pytest
from botocore import xform_name

import alarms
import deployed
from routing import samples

TEXT = (deployed.ROOT / "docs/RUNBOOK.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
# Options of the CLI itself, and of its own helpers.
OF_THE_CLI = {"output", "query", "cli-binary-format", "max-items"}
WAITERS_AND_CUSTOM = {("dynamodb", "wait"), ("logs", "tail")}
NO_PREFIX = re.compile(r"^no-")


@pytest.fixture(scope="module")
def template():
    return deployed.source()


# Writes down how it was called, and answers nothing.
FAKE = """#!{python}
import json, os, sys
with open(os.environ["FAKE_FOLDER"] + "/calls", "a") as calls:
    print(json.dumps([os.path.basename(sys.argv[0]), *sys.argv[1:]]), file=calls)
"""


def called(folder, command):
    """How a command ends, and the calls that it makes of the AWS CLI, SAM's and ours."""
    for name in ("aws", "sam", "retrainctl"):
        fake = folder / name
        fake.write_text(FAKE.format(python=sys.executable), encoding="utf-8")
        fake.chmod(0o755)
    environment = os.environ | {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "FAKE_FOLDER": str(folder),
    }
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    lines = (folder / "calls").read_text(encoding="utf-8").splitlines()
    return done, [json.loads(line) for line in lines]


def test_every_alarm_has_a_section_and_a_command():
    part = TEXT.split("\n## Alarms\n")[1].split("\n## ")[0]
    sections = re.split(r"\n### `(\w+)`\n", part)[1:]
    told = dict(zip(sections[::2], sections[1::2]))
    assert set(told) == set(alarms.ALARMS)
    for name, text in told.items():
        assert "```sh\n" in text, f"{name} has no command"


def test_the_blocks_are_shell():
    for block in BLOCKS:
        done = subprocess.run(["sh", "-n"], input=block, text=True, capture_output=True)
        assert done.returncode == 0, block + done.stderr


def test_what_the_commands_name_is_in_the_stack(template):
    outputs = set(re.findall(r"\$\(output (\w+)\)", TEXT))
    assert outputs
    assert outputs <= set(template["Outputs"])
    functions = {f"/aws/lambda/$stack-{name}" for name in alarms.CRATES.values()}
    groups = set(re.findall(r"/aws/lambda/\$stack-[a-z-]+", TEXT))
    assert groups
    assert groups <= functions
    for parameter in re.findall(r"`(\w+)(?:=\w+)?`", TEXT):
        if parameter in ("DataConcurrency", "DeploymentPreference", "RuleState"):
            assert parameter in template["Parameters"]


def test_the_commands_are_calls_that_aws_knows(tmp_path):
    done, calls = called(tmp_path, ["sh", "-euc", "".join(BLOCKS)])
    assert done.returncode == 0, done.stderr
    session = botocore.session.get_session()
    known = set(session.get_available_services())
    seen = 0
    for words in calls:
        if words[0] != "aws":
            continue
        service, operation = words[1], words[2]
        service = {"deploy": "codedeploy", "s3api": "s3"}.get(service, service)
        assert service in known, words
        seen += 1
        if (service, operation) in WAITERS_AND_CUSTOM:
            continue
        model = session.get_service_model(service)
        names = {xform_name(name, "-"): name for name in model.operation_names}
        assert operation in names, words
        shape = model.operation_model(names[operation]).input_shape
        members = {xform_name(name, "-") for name in (shape.members if shape else {})}
        for word in words[3:]:
            if word.startswith("--"):
                option = word.removeprefix("--").split("=")[0]
                named = {option, NO_PREFIX.sub("", option)}
                assert named & (members | OF_THE_CLI), (operation, option)
    assert seen > 25


def test_requests_are_those_of_the_samples():
    asked = re.findall(r"--payload '(\{\"request\".*?\})'", TEXT)
    assert asked
    known = [
        sample
        for name, sample in samples().items()
        if name.startswith("reconciler/") and "request" in sample
    ]
    for text in asked:
        request = json.loads(text)
        alike = [one for one in known if one["request"] == request["request"]]
        assert any(set(one) == set(request) for one in alike), request


def test_the_costs_are_worked_out():
    written = re.findall(r"^\| (?:an?|the) [^|]+\|" + r" ([\d.]+) \|" * 6 + "$", TEXT, re.MULTILINE)
    assert len(written) == 6
    for _, reads, writes, seconds, kilobytes, usd in (map(float, row) for row in written):
        table = reads * 0.125 + writes * 0.625
        function = 0.20 + 0.25 * seconds * 13.3334
        logs = kilobytes * 0.50
        assert usd == pytest.approx((table + function + logs) / 1000, abs=0.00006)


def test_the_units_are_those_of_recorded_items():
    def units(name):
        path = deployed.ROOT / f"tests/template/records/{name}.json"
        image = json.loads(path.read_bytes())["dynamodb"]["NewImage"]
        return -(-sum(len(key) + size(value) for key, value in image.items()) // 1024)

    def size(value):
        (kind, of), = value.items()
        if kind == "M":
            return 3 + sum(len(name) + size(part) + 1 for name, part in of.items())
        if kind == "L":
            return 3 + sum(size(part) + 1 for part in of)
        return len(of.encode()) if kind == "S" else len(str(of)) // 2 + 1

    slot, marker, index = units("slot"), units("marker"), 2
    held = 2 * (slot + marker + units("held")) + index
    start = 2 * (slot + marker + units("claimed")) + 2 * (slot + units("started")) + 2 * index
    success = 2 * (slot + units("succeeded")) + index
    package = units("package-slot")
    judged = 2 * (package + units("awaits-person")) + index
    judged += 2 * (package + units("package-wrote")) + index
    judged += 2 * (package + units("package-approved")) + index
    rows = dict(re.findall(r"^\| ([^|]+) \| \d+ \| \d+ \| (\d+) \|", TEXT, re.MULTILINE))
    assert rows["a package that the gate approves"] == str(judged)
    assert rows["an alarm that is held"] == str(held)
    assert rows["an alarm that starts"] == str(start)
    assert rows["an execution that has succeeded"] == str(success)
