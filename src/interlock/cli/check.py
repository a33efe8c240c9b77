"""`interlock check`: every mistake of an estate at once. Exit 0 sound, 1 errors, 2 no estate there."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec

from interlock.app.local_time import today
from interlock.app.stopwatch import Stopwatch
from interlock.cli.finding_text import finding_text, summary
from interlock.estate.loader import Examination, examine
from interlock.model.problems import EstateInvalid


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("estate", nargs="?", default=".", type=Path, help="folder of the estate (default: here)")
    parser.add_argument("--environment", default="local", help="environment of interlock.toml (default: local)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: argparse.Namespace) -> int:
    watch = Stopwatch()
    try:
        examination = examine(arguments.estate, arguments.environment, today())
    except EstateInvalid as problem:
        print(f"{problem.detail}\n   {problem.step}", file=sys.stderr)
        return 2
    if arguments.json:
        print(_document(examination))
    else:
        for finding in examination.findings:
            print(finding_text(finding))
        waived = f", {len(examination.waived)} waived" if examination.waived else ""
        print(f"{summary(examination.findings, examination.contract_files)}{waived}, {watch.seconds:.1f} s")
    return 1 if examination.errors else 0


def _document(examination: Examination) -> str:
    document = {
        "estate": examination.estate.name,
        "hash": examination.estate.hash,
        "contracts": examination.contract_files,
        "errors": len(examination.errors),
        "findings": examination.findings,
        "waived": [{"finding": one.finding, "reason": one.waiver.reason} for one in examination.waived],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()
