"""What CodeBuild does for the reference loop, and what CI does with its guide."""

import json
import os
import re
import subprocess
import sys

import botocore.session
import pytest
from botocore import xform_name

import deployed
import loop

OF_CODEBUILD = {
    f"CODEBUILD_{name}" for name in ("RESOLVED_SOURCE_VERSION", "BUILD_NUMBER", "BUILD_SUCCEEDING", "SRC_DIR")
}


@pytest.mark.parametrize("name", ["build.yml", "check.yml", "verify.yml"])
def test_a_build_has_its_four_phases_and_commands_that_aws_knows(name):
    _, phases = loop.buildspec(name)
    assert list(phases) == ["install", "pre_build", "build", "post_build"]
    commands = "\n".join(command for listed in phases.values() for command in listed)
    session = botocore.session.get_session()
    called = re.findall(r"aws ([a-z0-9-]+) (wait )?([a-z0-9-]+)", commands)
    for service, waits, operation in called:
        if (service, operation) in {("s3", "cp"), ("ecr", "get-login-password")}:
            continue
        client = session.create_client(service.removesuffix("api"), region_name=deployed.REGION)
        known = {one.replace("_", "-") for one in client.waiter_names}
        if not waits:
            known = {xform_name(one, "-") for one in client.meta.service_model.operation_names}
        assert operation in known, f"{service} {operation}"
    assert called


def test_every_variable_of_a_build_is_given():
    projects = {
        "build.yml": loop.stack("pipeline").of_type("AWS::CodeBuild::Project")["Build"],
        "check.yml": loop.stack("deployment").of_type("AWS::CodeBuild::Project")["Check"],
        "verify.yml": loop.stack("deployment").of_type("AWS::CodeBuild::Project")["Verify"],
    }
    for name, project in projects.items():
        assert project["Source"]["BuildSpec"].endswith(f"buildspecs/{name}")
        assert re.search(r":\d", project["Environment"]["Image"]), "the build's image has a version"
        given = {one["Name"] for one in project["Environment"]["EnvironmentVariables"]}
        if name != "build.yml":
            given.add("MODEL_PACKAGE_ARN")
        _, phases = loop.buildspec(name)
        used = loop.variables(sum(phases.values(), []))
        assert used - OF_CODEBUILD == given, name


def test_what_a_deployment_needs_is_in_the_release():
    _, phases = loop.buildspec("build.yml")
    packed = re.search(r'cp -r ([\w ./]+) "\$out/"', "\n".join(phases["post_build"])).group(1).split()
    assert set(packed) == {"fraud", "schema", "requirements.txt", "templates", "buildspecs"}
    document, _ = loop.buildspec("build.yml")
    assert document["artifacts"] == {"base-directory": "out", "files": ["**/*"]}


def test_what_other_stages_need_of_a_build_is_exported():
    document, _ = loop.buildspec("build.yml")
    stages = loop.stages(loop.stack("pipeline"))
    used = set(re.findall(r"#\{Build\.(\w+)\}", json.dumps(list(stages["Deploy"].values()))))
    assert used == set(document["env"]["exported-variables"])
    assert stages["BuildAndTest"]["Build"]["Namespace"] == "Build"


def test_a_build_can_be_repeated_for_one_commit():
    repository = loop.stack("training").of_type("AWS::ECR::Repository")["Images"]
    assert repository["ImageTagMutability"] == "IMMUTABLE"
    commands = "\n".join(loop.buildspec("build.yml")[1]["build"])
    assert set(re.findall(r'\$IMAGES_URI:([^" ]+)', commands)) == {"$tag"}
    assert set(re.findall(r'imageTag="([^"]+)"', commands)) == {"$tag"}
    made = re.search(r"^tag=.*$", commands, re.M).group()
    for commit, tag in (("9fceb02", "9fceb02-7"), ("a.b+_c", "a_b__c-7"), (".x", "_x-7")):
        script = f'{made}\nprintf %s "$tag"'
        environment = {"CODEBUILD_RESOLVED_SOURCE_VERSION": commit, "CODEBUILD_BUILD_NUMBER": "7"}
        done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, check=True)
        assert done.stdout.decode() == tag
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", tag)


def test_a_command_that_fails_after_the_build_fails_the_build():
    (script,) = loop.buildspec("build.yml")[1]["post_build"]
    fails = 'aws() { return 3; }\ncp() { :; }\n' + script
    environment = {"CODEBUILD_BUILD_SUCCEEDING": "1", "PATH": os.environ["PATH"]}
    done = subprocess.run(["bash", "-c", fails], env=environment, capture_output=True, check=False)
    assert done.returncode == 3
    environment["CODEBUILD_BUILD_SUCCEEDING"] = "0"
    done = subprocess.run(["bash", "-c", fails], env=environment, capture_output=True, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize(("ci", "status"), [("", 0), ("true", 1)])
def test_ci_does_not_pass_over_what_it_cannot_install(tmp_path, ci, status):
    (tmp_path / "scripts").mkdir()
    tools = tmp_path / "scripts/template-tools.sh"
    tools.write_text("exit 75\n", encoding="utf-8")
    script = deployed.ROOT / "scripts/loop.sh"
    environment = {"PATH": os.environ["PATH"], "CI": ci}
    done = subprocess.run(["sh", script, "test"], cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert done.returncode == status


@pytest.mark.parametrize(
    ("fails", "code", "stored", "status"),
    [
        ("", 0, True, 0),
        ("", 0, False, 0),
        ("retrainctl policy diff", 3, True, 0),
        ("retrainctl policy diff", 1, True, 1),
        ("retrainctl policy check", 1, False, 1),
        ("cfn-lint", 2, False, 2),
        ("python3 -m pytest", 1, False, 1),
        ("ruff format", 1, False, 1),
    ],
)
def test_a_pull_request_is_checked_and_shows_what_its_policy_changes(tmp_path, fails, code, stored, status):
    told = tmp_path / "told"
    for tool in ("ruff", "python3", "cfn-lint", "retrainctl"):
        # It says what it is asked, with what a folder that it is given has in it.
        path = tmp_path / tool
        path.write_text(
            f'#!/bin/sh\ntold="{tool} $*"\nfor last; do :; done\n'
            f'[ -d "$last" ] && told="$told: $(ls "$last")"\necho "$told" >> {told}\n'
            f'case "$told" in "{fails or "nothing"}"*) exit {code};; esac\n',
            encoding="utf-8",
        )
        path.chmod(0o755)
    (tmp_path / "stored").mkdir()
    command = ["sh", loop.EXAMPLE / "pull-request.sh", *([tmp_path / "stored"] if stored else [])]
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert done.returncode == status, done.stderr
    if not fails:
        asked = told.read_text(encoding="utf-8")
        for part in ("ruff check", "ruff format", "-m pytest", "templates/endpoint.yaml", "policy check"):
            assert part in asked
        assert asked.count(": fraud-detection.json") == 1 + stored
        assert ("policy diff" in asked) == stored


# ------------------------------------------------------------------ guide


def test_the_guide_shows_the_demo_and_ci_compares_them(tmp_path):
    (tmp_path / "scripts").mkdir()
    (tmp_path / "docs").mkdir()
    script = tmp_path / "scripts/loop-guide.py"
    script.write_bytes((deployed.ROOT / "scripts/loop-guide.py").read_bytes())
    guide = tmp_path / "docs/LOOP.md"
    guide.write_bytes((deployed.ROOT / "docs/LOOP.md").read_bytes())
    shown = re.search(r"<!-- demo-loop -->\n```text\n(.*?)\n```", guide.read_text(encoding="utf-8"), re.S).group(1)

    def compare(printed, *arguments):
        command = [sys.executable, script, *arguments]
        done = subprocess.run(command, input=printed, text=True, capture_output=True, check=False)
        return done.returncode

    assert compare(f"before\n\n{shown}\n", "--check") == 0
    other = shown.replace("6 trainings", "7 trainings")
    assert compare(other, "--check") == 1
    assert compare("it stopped early", "--check") == 1
    assert compare(other) == 0 and "7 trainings" in guide.read_text(encoding="utf-8")
    ci = (deployed.ROOT / ".github/workflows/check.yml").read_text(encoding="utf-8")
    assert "make loop-guide-check" in ci and "make demo-tuning" in ci


def test_the_guide_names_what_is_there():
    path = deployed.ROOT / "docs/LOOP.md"
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        assert (path.parent / target).exists(), target
    tests = [*loop.EXAMPLE.glob("tests/test_*.py"), *(deployed.ROOT / "tests/template").glob("test_*.py")]
    known = {
        name for one in tests for name in re.findall(r"^def (test_\w+)", one.read_text(encoding="utf-8"), re.M)
    }
    named = set(re.findall(r"`(test_\w+)`", text))
    assert named and named <= known, named - known
    # Those in Rust stand before the file that has them, one or two of them.
    in_rust = re.findall(r"`(\w+)`(?: and `(\w+)`)? in \[\w+\.rs\]\(([^)]+)\)", text)
    assert len(in_rust) >= 5
    for *functions, target in in_rust:
        code = (path.parent / target).read_text(encoding="utf-8")
        for function in filter(None, functions):
            assert f"fn {function}(" in code, (function, target)
    parameters = {name for own in loop.TEMPLATES for name in loop.template(own)["Parameters"]}
    given = set(re.findall(r"\b([A-Z]\w+)=", text)) - set(deployed.source()["Parameters"])
    assert given <= parameters, given - parameters
