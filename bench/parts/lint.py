"""Lint: an OpenAPI document of megabytes, `interlock lint` beside Spectral, with the rules that both have.

Both are whole processes, from start to the last byte of their JSON. What is found is compared rule by rule, and the
counts are printed: a linter that finds nothing is fast.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from bench import machine
from bench.comparison import Comparison, Figure, Findings
from bench.large_openapi import large_openapi
from bench.plan import Plan
from bench.subjects import spectral
from interlock.contracts.lint.rules import LINT_RULES

AIM_SPEED, AIM_MEMORY = 10.0, 4.0
LONGEST_SECONDS = 300.0
# Spectral compiles a schema anew for each example; without these two rules it shows what the rest of it costs.
ON_EXAMPLES = {"oas3-valid-media-example", "oas3-valid-schema-example"}
# Rules of spectral:oas for OpenAPI 3 of which we have one that says the same.
SHARED = [
    "array-items", "contact-properties", "duplicated-entry-in-enum", "info-contact", "info-description", "info-license",
    "license-url", "no-$ref-siblings", "no-eval-in-markdown", "no-script-tags-in-markdown", "oas3-api-servers",
    "oas3-callbacks-in-callbacks", "oas3-examples-value-or-externalValue", "oas3-operation-security-defined",
    "oas3-parameter-description", "oas3-schema", "oas3-server-not-example.com", "oas3-server-trailing-slash",
    "oas3-server-variables", "oas3-unused-component", "oas3-valid-media-example", "oas3-valid-schema-example",
    "openapi-tags-uniqueness", "operation-description", "operation-operationId", "operation-operationId-unique",
    "operation-operationId-valid-in-url", "operation-parameters", "operation-success-response", "operation-tag-defined",
    "operation-tags", "path-declarations-must-exist", "path-keys-no-trailing-slash", "path-not-include-query",
    "path-params", "tag-description", "typed-enum",
]  # fmt: skip


class Run(NamedTuple):
    seconds: float
    megabytes: float
    found: Counter[str]


def measure(plan: Plan) -> Findings:
    findings = Findings(remarks=[f"{plan.lint_rounds} rounds of this part"])
    document = plan.place / "large-openapi.json"
    document.write_text(json.dumps(large_openapi(plan.lint_resources), indent=2))
    what = f"{document.stat().st_size / 1e6:.1f} MB of OpenAPI"
    reason = spectral.prepare()
    if reason:
        findings.remarks.append(f"Spectral was left out: {reason}")
    for title, names in (("", SHARED), (", none on examples", [one for one in SHARED if one not in ON_EXAMPLES])):
        ids = sorted({rule.id for rule in LINT_RULES if set(rule.spectral) & set(names)})
        rules = spectral.ruleset(plan.place / "shared-rules.yaml", names)
        ours: list[Run] = []
        theirs: list[Run] = []
        for _ in range(plan.lint_rounds):
            ours.append(_ours(document, plan.place, ["--rules", ",".join(ids)]))
            theirs += [] if reason else [_theirs(document, plan.place, rules)]
        note = f"{len(names)} rules of spectral:oas beside {len(ids)} of ours that say the same"
        findings.comparisons += _rows(what + title, ours, theirs, note)
        findings.remarks += _agreement(ours[-1].found, theirs[-1].found, names) if theirs else []
    everything = [_ours(document, plan.place, []) for _ in range(plan.lint_rounds)]
    findings.comparisons += _rows(f"{what}, all {len(LINT_RULES)} of our rules", everything, [], "")
    return findings


def _rows(what: str, ours: list[Run], theirs: list[Run], note: str) -> list[Comparison]:
    rows = []
    for measured, unit, index, aim in (("time", "s", 0, AIM_SPEED), ("peak memory", "MB", 1, AIM_MEMORY)):
        mine = Figure("interlock lint", tuple(float(run[index]) for run in ours))  # type: ignore[arg-type]
        rival = Figure("Spectral", tuple(float(run[index]) for run in theirs)) if theirs else None  # type: ignore[arg-type]
        rows.append(Comparison("lint", f"{what}: {measured}", unit, mine, rival, note, aim if rival else None, True))
    return rows


def _ours(document: Path, place: Path, words: list[str]) -> Run:
    command = [sys.executable, "-m", "interlock.cli.main", "lint", str(document), "--format", "json", *words]
    seconds, megabytes = _timed(command, place / "ours.json")
    rows: list[dict[str, Any]] = json.loads((place / "ours.json").read_text())["findings"]
    return Run(seconds, megabytes, Counter(row["rule"] for row in rows))


def _theirs(document: Path, place: Path, rules: Path) -> Run:
    command = [str(spectral.COMMAND), "lint", str(document), "-r", str(rules), "-f", "json", "-q", "-o"]
    seconds, megabytes = _timed([*command, str(place / "theirs.json")], place / "theirs.log")
    rows: list[dict[str, Any]] = json.loads((place / "theirs.json").read_text())
    return Run(seconds, megabytes, Counter(row["code"] for row in rows))


def _timed(command: list[str], output: Path) -> tuple[float, float]:
    """Wall time and peak memory of a process. Raises TimeoutError, RuntimeError when it could not read its input."""
    begun = time.monotonic()
    with output.open("wb") as file:
        process = subprocess.Popen(machine.pinned(machine.SYSTEM_CORE, command), stdout=file, cwd=machine.ROOT)
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() - begun > LONGEST_SECONDS:
                process.kill()
                os.wait4(process.pid, 0)
                raise TimeoutError(f"{command[0]} took longer than {LONGEST_SECONDS:.0f} s.")
            time.sleep(0.005)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise RuntimeError(f"{command[0]} ended with {process.returncode}.")
    return time.monotonic() - begun, usage.ru_maxrss / 1024


def _agreement(ours: Counter[str], theirs: Counter[str], names: list[str]) -> list[str]:
    """Rule by rule. Spectral tells a schema's own mistake again at each example that meets it; we tell it once."""
    lines = []
    for name in names:
        mine = sum(ours[rule.id] for rule in LINT_RULES if name in rule.spectral)
        if theirs[name] or mine:
            lines.append(f"{name}: Spectral {theirs[name]}, we {mine}")
    return [f"rules: {', '.join(names)}", f"found by rule: {'; '.join(lines)}"]
