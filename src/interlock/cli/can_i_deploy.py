"""`interlock can-i-deploy`: whether a version may go to an environment. Exit 0 yes, 1 no, 2 asked incompletely."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from interlock.app.contract_tests import EnvironmentUnknown, can_deploy, git_version, record_deployed, results_file
from interlock.cli.estate_argument import add_estate
from interlock.govern.deployability import Deployability
from interlock.ports.contract_results import Participant


def configure(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add_estate(parser)
    add("--to", required=True, metavar="ENV", help="the environment")
    add("--participant", action="append", default=[], metavar="NAME", help="consumer or provider to deploy")
    add("--version", metavar="V", help="its version (default: the git commit)")
    add("--new-environment", action="store_true", help="nothing was deployed there yet, and that is right")
    add("--record-deployed", action="store_true", help="write down that this version runs there now")
    add("--data", type=Path, metavar="FILE", help="file of the results (default: .interlock/contract-results.db)")
    add("--json", action="store_true", help="print one JSON document")


def run(arguments: argparse.Namespace) -> int:
    version = arguments.version or git_version(arguments.estate)
    if version is None:
        print("The version is not known: this is no git repository.\n   Add --version V.", file=sys.stderr)
        return 2
    names = arguments.participant or [arguments.estate.resolve().name]
    participants = [Participant(name, version) for name in names]
    data = results_file(arguments.estate, arguments.data)
    if arguments.record_deployed:
        asyncio.run(record_deployed(data, participants, arguments.to))
        said = ", ".join(f"{one.name} {one.version}" for one in participants)
        print(
            json.dumps({"deployed": names, "to": arguments.to}) if arguments.json else f"{said} runs in {arguments.to}"
        )
        return 0
    if not data.is_file():
        step = "Make them with: interlock verify --pact FILE --record"
        if arguments.json:
            why = {"reason": f"There are no results: {data}", "next_step": step}
            print(json.dumps({"deployable": False, "to": arguments.to, "participants": [], **why}, indent=2))
        print(f"There are no results: {data}\n   {step}", file=sys.stderr)
        return 1
    try:
        verdicts = asyncio.run(can_deploy(data, participants, arguments.to, may_be_new=arguments.new_environment))
    except EnvironmentUnknown as unknown:
        print(f"{unknown}\n   Correct --to, or add --new-environment.", file=sys.stderr)
        return 2
    allowed = all(one.deployable for one in verdicts)
    if arguments.json:
        listed = [_document(one) for one in verdicts]
        print(json.dumps({"deployable": allowed, "to": arguments.to, "participants": listed}, indent=2))
    else:
        for one in verdicts:
            _print(one)
    return 0 if allowed else 1


def _document(verdict: Deployability) -> dict[str, Any]:
    pairs = [
        {
            "consumer": pair.consumer._asdict(),
            "provider": pair.provider._asdict(),
            "deployable": pair.deployable,
            "reasons": pair.reasons,
        }
        for pair in verdict.pairs
    ]
    return {
        **verdict.participant._asdict(),
        "deployable": verdict.deployable,
        "reasons": verdict.reasons,
        "pairs": pairs,
    }


def _print(verdict: Deployability) -> None:
    one = verdict.participant
    print(f"{one.name} {one.version} to {verdict.environment}: {'yes' if verdict.deployable else 'no'}")
    for reason in verdict.reasons:
        print(f"  {reason}\n  Verify it first: interlock verify --pact FILE --record")
    for pair in verdict.pairs:
        names = (
            f"{pair.consumer.name} {pair.consumer.version or '?'} → {pair.provider.name} {pair.provider.version or '?'}"
        )
        print(f"  {'yes' if pair.deployable else 'no '}  {names}")
        for reason in pair.reasons:
            print(f"         {reason}")
    if not verdict.pairs and verdict.deployable:
        print("  Nobody that it has a pact with runs there.")
