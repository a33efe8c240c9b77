"""`interlock doctor`: looks at a deployment, and says which promise each setting gives or breaks.

Exit 0 nothing is broken, 1 a promise is broken, 2 something could not be looked at.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterator

from interlock.app.doctor import Diagnosis, diagnose
from interlock.app.stopwatch import Stopwatch
from interlock.cli.estate_argument import add_estate
from interlock.cli.finding_text import counted
from interlock.cli.record_arguments import print_json
from interlock.model.diagnosis import Finding


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "Run it as the user that runs the engine, with its environment variables. Exits with 1 when a promise is "
        "broken, with 2 when something could not be looked at."
    )
    add_estate(parser)
    parser.add_argument("--environment", default="local", help="environment of interlock.toml (default: local)")
    parser.add_argument(
        "--nats-monitor",
        default="",
        metavar="URL",
        help="monitoring port of a NATS server (default: 8222 of each)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: argparse.Namespace) -> int:
    watch = Stopwatch()
    diagnosis = asyncio.run(diagnose(arguments.estate, arguments.environment, arguments.nats_monitor))
    if arguments.json:
        findings = [one._asdict() for one in diagnosis.findings]
        print_json({"verdict": _verdict(diagnosis), "subject": diagnosis.subject, "findings": findings})
    else:
        print("\n".join(_lines(diagnosis)))
        print(f"{_summary(diagnosis)}, {watch.seconds:.1f} s")
    return {"broken": 1, "blind": 2}.get(_verdict(diagnosis), 0)


def _verdict(diagnosis: Diagnosis) -> str:
    """What is broken is said first, even where something else could not be looked at."""
    if diagnosis.count("broken"):
        return "broken"
    return "blind" if diagnosis.blind else "kept"


def _lines(diagnosis: Diagnosis) -> Iterator[str]:
    yield diagnosis.subject
    for one in diagnosis.findings:
        yield from _finding(one)


def _finding(one: Finding) -> Iterator[str]:
    if one.verdict == "ok":
        yield f"{one.verdict:<7}  {one.check}  {one.said}"
        return
    yield f"{one.verdict:<7}  {one.check}  {one.promise}"
    yield f"   {one.said}"
    yield f"   {one.next_step}"


def _summary(diagnosis: Diagnosis) -> str:
    counts = [
        f"{diagnosis.count('broken')} broken",
        counted(diagnosis.count("warn"), "warning"),
        f"{diagnosis.count('unknown')} unknown",
        f"{diagnosis.count('ok')} ok",
    ]
    return ", ".join(counts)
