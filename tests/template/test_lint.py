"""cfn-lint and SAM find nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import deployed

BIN = Path(sys.executable).parent


def passes(*command):
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        cwd=deployed.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["template.yaml", "examples/model.yaml", "examples/registry.yaml"])
def test_cfn_lint_finds_nothing(name):
    passes("cfn-lint", name)


def test_sam_finds_nothing():
    passes("sam", "validate", "--lint", "--region", deployed.REGION)


@pytest.mark.parametrize("parameters", [deployed.FULL, deployed.LEAN])
def test_cfn_lint_finds_nothing_in_what_sam_makes_of_it(parameters, tmp_path):
    translated = deployed.translate(deployed.source(), parameters)
    path = tmp_path / "translated.json"
    path.write_text(json.dumps(translated), encoding="utf-8")
    # SAM has put the value of DeploymentPreference where the parameter was.
    passes("cfn-lint", "--ignore-checks", "W2001", "--template", str(path))
