"""`interlock gate --base REV`: may this change of the contracts land? Exit 0 yes, 1 no, 2 it could not be read."""

from __future__ import annotations

import argparse
import os
import sys

from interlock.app.gate import judge
from interlock.app.git_revision import RevisionUnreadable
from interlock.app.local_time import now_text
from interlock.app.notice import NoticeFailed, send
from interlock.app.stopwatch import Stopwatch
from interlock.cli.estate_argument import add_estate
from interlock.cli.report_text import as_json, rendered
from interlock.contracts.report.entry import FORMATS
from interlock.govern.gate_findings import found
from interlock.govern.gate_report import GateReport
from interlock.govern.gate_text import markdown, slack, text
from interlock.model.problems import EstateInvalid

NOTIFY = "INTERLOCK_GATE_NOTIFY"


def configure(parser: argparse.ArgumentParser) -> None:
    add_estate(parser)
    parser.add_argument("--base", required=True, metavar="REV", help="the revision to land on, such as origin/main")
    parser.add_argument("--head", metavar="REV", help="the revision to judge (default: the files as they lie here)")
    parser.add_argument("--format", choices=FORMATS, default="text", help="default: text")
    parser.add_argument("--json", action="store_const", dest="format", const="json", help="the same as --format json")
    parser.add_argument(
        "--notify", metavar="URL", help=f"incoming webhook of a chat, Slack's format (default: ${NOTIFY})"
    )


def run(arguments: argparse.Namespace) -> int:
    watch = Stopwatch()
    try:
        report = judge(arguments.estate, arguments.base, arguments.head)
    except (EstateInvalid, RevisionUnreadable) as problem:
        print(f"{problem.detail}\n   {problem.step}", file=sys.stderr)
        return 2
    print(_rendered(report, arguments.format, watch.seconds))
    url = arguments.notify or os.environ.get(NOTIFY)
    if url:
        _notify(url, report)
    return 0 if report.passed else 1


def _rendered(report: GateReport, wanted: str, seconds: float) -> str:
    match wanted:
        case "text":
            return text(report)
        case "markdown":
            return markdown(report)
        case "json":
            return as_json(report)
    return rendered(found(report), wanted, now_text(), seconds)


def _notify(url: str, report: GateReport) -> None:
    """A chat that is down does not decide about a contract."""
    try:
        send(url, slack(report))
    except NoticeFailed as problem:
        print(f"The notice did not arrive: {problem}. The verdict stands.", file=sys.stderr)
