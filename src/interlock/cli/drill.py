"""`interlock drill --simulate`: runs an estate on simulated time, broken in every way, and asks what must hold.

Exit 0 all invariants held, 1 one was broken, 2 the arguments cannot be used.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from interlock.app.stopwatch import Stopwatch
from interlock.cli.estate_argument import add_estate
from interlock.simulation.campaign import Campaign, campaign
from interlock.simulation.report import report, story, verdict
from interlock.simulation.scenario import PLANNED, RATES, scenario_of


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "Feeds, answers and invariants of your own stand in drills/*.py: docs/guides/simulate-your-estate.md."
    )
    add = parser.add_argument
    add_estate(parser)
    add("--simulate", action="store_true", required=True, help="on simulated time; the only way as yet")
    add("--schedules", type=positive, default=200, metavar="N", help="how many schedules (default: 200)")
    add("--seed", type=int, default=1, metavar="S", help="the first seed; the others follow it (default: 1)")
    kinds = ", ".join(sorted({*RATES, *PLANNED}))
    add("--faults", default="", metavar="KINDS", help=f"only these, with commas between: {kinds}")
    add("--report", type=Path, metavar="FILE", help="write what was found as Markdown")
    add("--environment", default="local", help="environment of interlock.toml (default: local)")


def run(arguments: argparse.Namespace) -> int:
    faults = [one.strip() for one in arguments.faults.split(",") if one.strip()]
    scenario = scenario_of(arguments.estate, arguments.environment, faults)
    watch = Stopwatch()
    found = campaign(scenario, arguments.schedules, arguments.seed, now=lambda: watch.seconds, told=progress)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    if arguments.report:
        arguments.report.write_text(report(found, command(arguments)), encoding="utf-8")
    for whole, smallest in zip(found.failed[:1], found.stories, strict=False):  # the report has more
        print("\n".join(story(whole, smallest)))
    print(f"{verdict(found)} {found.seconds:.1f} s")
    for outcome in found.failed[:1]:
        print(f"   See it again: interlock drill --simulate {arguments.estate} --seed {outcome.seed} --schedules 1")
    return 1 if found.failed else 0


def progress(found: Campaign) -> None:
    if sys.stderr.isatty() and found.schedules % 10 == 0:
        print(f"\r{found.schedules} schedules, {len(found.failed)} failed", end="", file=sys.stderr, flush=True)


def command(arguments: argparse.Namespace) -> str:
    faults = f' --faults "{arguments.faults}"' if arguments.faults else ""
    seeds = f"--schedules {arguments.schedules} --seed {arguments.seed}"
    return f"interlock drill --simulate {arguments.estate} {seeds}{faults}"


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("give at least 1")
    return number
