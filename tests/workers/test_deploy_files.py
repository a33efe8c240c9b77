"""Units and manifests are of the right form, and start what there is."""

from __future__ import annotations

import argparse
import configparser
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from interlock.cli import up
from interlock.estate.settings import WorkerSettings

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
DRAIN = WorkerSettings().drain_seconds


def parsed(words: list[str]) -> Any:
    """As the command would take them."""
    parser = argparse.ArgumentParser()
    up.configure(parser)
    assert words[0] == "up"
    return parser.parse_args(words[1:])


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit(path: Path) -> None:
    unit = configparser.RawConfigParser(strict=True, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(path.read_text())
    assert unit.sections() == ["Unit", "Service", "Install"]
    service = unit["Service"]
    words = shlex.split(service["ExecStart"])
    assert words[0].endswith("/interlock")
    arguments = parsed(words[1:])
    assert arguments.role == path.name.removeprefix("interlock-").split("@")[0].split(".")[0]
    assert service["Restart"] == "always"
    assert service["KillSignal"] == "SIGTERM"
    assert float(service["TimeoutStopSec"]) > DRAIN + 5


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_systemd_finds_nothing_wrong(path: Path, tmp_path: Path) -> None:
    unit = tmp_path / path.name.replace("@", "@1")
    unit.write_text(path.read_text().replace("/opt/interlock/bin/interlock", sys.executable))
    told = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, timeout=60, check=False
    )
    about_us = [line for line in told.stderr.splitlines() if path.name.split("@")[0].split(".")[0] in line]
    assert (told.returncode, about_us) == (0, [])


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_a_manifest(path: Path) -> None:
    documents = list(yaml.safe_load_all(path.read_text()))
    deployment = documents[0]
    assert (deployment["apiVersion"], deployment["kind"]) == ("apps/v1", "Deployment")
    template = deployment["spec"]["template"]
    assert deployment["spec"]["selector"]["matchLabels"] == template["metadata"]["labels"]
    pod = template["spec"]
    (container,) = pod["containers"]
    arguments = parsed(container["args"])
    assert arguments.role == path.stem
    pause = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pod["terminationGracePeriodSeconds"] > DRAIN + pause + 5
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert arguments.health_port in (0, ports["http"])
    for probe, address in (("livenessProbe", "/health/live"), ("readinessProbe", "/health/ready")):
        assert container[probe]["httpGet"] == {"path": address, "port": "http"}
    for service in documents[1:]:
        assert service["spec"]["selector"] == template["metadata"]["labels"]
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= set(ports)


@pytest.mark.parametrize("release", ["1.28", "1.37"])
@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_kubernetes_knows_every_field(path: Path, release: str) -> None:
    """Against the schemas of its own API, in which a name that is misspelt is an error."""
    for document in yaml.safe_load_all(path.read_text()):
        kubernetes_validate.validate(document, release, strict=True)
    document["spec"]["selectr"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="selectr"):
        kubernetes_validate.validate(document, release, strict=True)


def test_each_role_has_both() -> None:
    assert [path.stem for path in MANIFESTS] == ["edge", "worker"]
    assert [path.name for path in UNITS] == ["interlock-edge.service", "interlock-worker@.service"]
