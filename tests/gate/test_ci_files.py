"""The scripts of the CI files are run as a runner runs them, but for the installation."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from versions.conftest import optional, required

from .conftest import Chat, Repository

CI = Path(__file__).parents[2] / "docs" / "ci"


def run(script: str, repository: Repository, **variables: str) -> int:
    """In a shell that stops at the first error, as both runners start it."""
    environ = {**os.environ, **variables, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script], cwd=repository.root, env=environ, capture_output=True, text=True
    )
    return done.returncode


def steps(job: str) -> dict[str, str]:
    """The scripts of a job of GitHub, by the step's name or their own first words."""
    document = yaml.safe_load((CI / "github-interlock-gate.yml").read_text())
    found = [step for step in document["jobs"][job]["steps"] if "run" in step]
    return {step.get("name", step["run"][:15]): step["run"] for step in found}


def gitlab(job: str) -> str:
    document: dict[str, Any] = yaml.safe_load((CI / "gitlab-interlock-gate.yml").read_text())
    return "\n".join(line for line in document[job]["script"] if "pip install" not in line)


@pytest.mark.parametrize(("patch", "code"), [(optional(), 0), (required(), 1)])
def test_a_pull_request_is_judged_and_commented(repository: Repository, patch: Any, code: int) -> None:
    repository.git("checkout", "-q", "-b", "work")
    repository.shop.version("1.1.0", patch)
    repository.commit("a version")
    summary = repository.root / "summary.md"
    variables = {"BASE": "main", "ESTATE": "estates/shop", "GITHUB_STEP_SUMMARY": str(summary)}
    assert run(steps("gate")["interlock check"], repository, **variables) == code
    assert run(steps("gate")["gate"], repository, **variables) == code
    assert summary.read_text().startswith(f"## Interlock gate: {'FAIL' if code else 'PASS'}")

    repository.git("remote", "add", "origin", str(repository.root))
    variables = {"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main", "ESTATE": "estates/shop"}
    assert run(gitlab("interlock-gate"), repository, **variables) == code
    if code == 0:
        assert (repository.root / "gate.md").read_text().startswith("## Interlock gate: PASS")


def test_the_chat_is_told_of_a_landing(repository: Repository, chat: Chat) -> None:
    repository.shop.version("1.1.0", optional())
    landed = repository.commit("a version")
    shared = {"ESTATE": "estates/shop", "INTERLOCK_GATE_NOTIFY": chat.url}
    commits = {"BEFORE": repository.base, "GITHUB_SHA": landed}
    assert run(steps("notice")["notice"], repository, **shared, **commits) == 0
    commits = {"CI_COMMIT_BEFORE_SHA": repository.base, "CI_COMMIT_SHA": landed}
    assert run(gitlab("interlock-notice"), repository, **shared, **commits) == 0
    assert [message["text"].split(":")[0] for _, message in chat.got] == ["Interlock gate"] * 2
