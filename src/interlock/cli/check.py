"""`interlock check`: every mistake of an estate at once. Exit 0 sound, 1 errors, 2 no estate, or no such revision."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any

from interlock.app.git_revision import RevisionUnreadable
from interlock.app.local_time import now_text, today
from interlock.app.promised_plans import promised_plans
from interlock.app.replayable import replayable
from interlock.app.stopwatch import Stopwatch
from interlock.cli.estate_argument import add_estate
from interlock.cli.finding_text import entry, finding_text, summary
from interlock.cli.report_text import as_json, rendered
from interlock.contracts.report.entry import FORMATS, Report
from interlock.contracts.rule import BY_ID
from interlock.estate.loader import Examination, examine
from interlock.estate.replayable_checks import NOTHING_CARRIED
from interlock.model.problems import EstateInvalid


def configure(parser: argparse.ArgumentParser) -> None:
    add_estate(parser)
    parser.add_argument("--environment", default="local", help="environment of interlock.toml (default: local)")
    parser.add_argument(
        "--base", metavar="REV", help="no sunset is earlier than this git revision has it (default: the last commit)"
    )
    parser.add_argument(
        "--data", metavar="STORE", type=Path, help="also judge by what this store still carries: .interlock/shop.db"
    )
    parser.add_argument("--format", choices=FORMATS, default="text", help="default: text")
    parser.add_argument("--json", action="store_const", dest="format", const="json", help="the same as --format json")


def run(arguments: argparse.Namespace) -> int:
    watch = Stopwatch()
    try:
        promised = promised_plans(arguments.estate, arguments.base)
        carried = asyncio.run(replayable(arguments.data)) if arguments.data else NOTHING_CARRIED
        examination = examine(arguments.estate, arguments.environment, today(), promised, carried)
    except (EstateInvalid, RevisionUnreadable) as problem:
        print(f"{problem.detail}\n   {problem.step}", file=sys.stderr)
        return 2
    if arguments.format == "text":
        for finding in examination.findings:
            print(finding_text(finding))
        print(f"{_summary(examination)}, {watch.seconds:.1f} s")
    elif arguments.format == "json":
        print(as_json(_document(examination)))
    else:
        print(rendered(_report(examination), arguments.format, now_text(), watch.seconds))
    return 1 if examination.errors else 0


def _summary(examination: Examination) -> str:
    waived = f", {len(examination.waived)} waived" if examination.waived else ""
    return summary(examination.findings, len(examination.contract_files)) + waived


def _document(examination: Examination) -> dict[str, Any]:
    return {
        "estate": examination.estate.name,
        "hash": examination.estate.hash,
        "contracts": len(examination.contract_files),
        "errors": len(examination.errors),
        "findings": examination.findings,
        "waived": [{"finding": one.finding, "reason": one.waiver.reason} for one in examination.waived],
    }


def _report(examination: Examination) -> Report:
    waived = tuple(entry(one.finding, one.waiver.reason) for one in examination.waived)
    return Report(
        command="interlock check", subject=examination.estate.name, summary=_summary(examination),
        entries=(*map(entry, examination.findings), *waived), files=examination.contract_files,
        purposes={rule.id: rule.purpose for rule in BY_ID.values()},
    )  # fmt: skip
