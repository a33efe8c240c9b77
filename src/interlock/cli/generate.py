"""`interlock generate`: the typed classes of the event contracts. Exit 0 written, 1 the contracts have mistakes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec

from interlock.cli.finding_text import finding_text, summary
from interlock.estate.contract_files import read_events
from interlock.estate.findings import Findings
from interlock.estate.folder import Folder
from interlock.estate.model_files import sources, write_models
from interlock.estate.setting_files import read_owners
from interlock.model.problems import EstateInvalid


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("estate", nargs="?", default=".", type=Path, help="folder of the estate (default: here)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: argparse.Namespace) -> int:
    """Flows are not imported: they may need the very classes that are missing."""
    try:
        folder = Folder(arguments.estate)
    except EstateInvalid as problem:
        print(f"{problem.detail}\n   {problem.step}", file=sys.stderr)
        return 2
    findings = Findings()
    contracts = read_events(folder, read_owners(folder, findings), findings)
    if findings.errors:
        for finding in findings.errors:
            print(finding_text(finding), file=sys.stderr)
        print(f"{summary(findings.errors, len(contracts))}; nothing was written", file=sys.stderr)
        return 1
    changed = [path.as_posix() for path in write_models(folder, contracts)]
    if arguments.json:
        print(msgspec.json.encode({"changed": changed}).decode())
    else:
        total = len(sources(contracts))
        print("\n".join(f"wrote {path}" for path in changed) or f"up to date: {total} of {total}")
    return 0
