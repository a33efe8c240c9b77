"""`interlock expired`: what a log outside dropped before it was handled, and giving it up so that the flow goes on."""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from collections.abc import Sequence
from typing import Any

from interlock.app.control_client import ControlClients
from interlock.cli.record_arguments import Place, add_place, place_of, print_json
from interlock.model.problems import NotFound, Problem, UnavailableProblem
from interlock.operate.dead_letters import REASON
from interlock.operate.expired_text import discarded_text, list_text
from interlock.ports.expired import Expired, SeesExpired

ASK = "Give this up for good? The events cannot come back from this log. [y/N] "


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="action")
    listing = actions.add_parser("list", help="where flows stand, and what is lost there")
    listing.set_defaults(act=_list)
    discard = actions.add_parser(
        "discard",
        help="give up what is lost, and let the flow read on",
        description="Shows what is lost, asks, then writes a discarded handling for each event that is known.",
    )
    discard.add_argument("flow", help="the flow that stands")
    discard.add_argument("--partition", type=int, help="in this partition only")
    discard.add_argument("--reason", required=True, help="why, as a code such as outage_of_june, kept in the record")
    discard.add_argument("--yes", action="store_true", help="do not ask")
    discard.add_argument("--dry-run", action="store_true", help="only show what would be given up")
    discard.set_defaults(act=_discard, usage=discard.error)
    for action in (listing, discard):
        add_place(action)


def run(arguments: argparse.Namespace) -> int:
    return int(arguments.act(arguments))


def _list(arguments: argparse.Namespace) -> int:
    place = place_of(arguments, with_estate=True)
    standing = _asked(place, list(place.flows))
    if arguments.json:
        print_json([_data(one) for one in standing])
    else:
        sys.stdout.write(list_text(standing))
    return 0


def _discard(arguments: argparse.Namespace) -> int:
    if not re.match(REASON, arguments.reason):
        arguments.usage("A reason is a code of lower-case letters, digits, _ and -, such as outage_of_june.")
    place = place_of(arguments, with_estate=True)
    standing = [one for one in _asked(place, [arguments.flow]) if arguments.partition in (None, one.partition)]
    if not standing:
        raise NotFound(
            f"{arguments.flow} stands nowhere{'' if arguments.partition is None else ' there'}: nothing of it expired.",
            next_step="See where flows stand with: interlock expired list",
        )
    if arguments.dry_run or not _agreed(arguments, standing):
        if arguments.json:
            print_json([{**_data(one), "would": "discard"} for one in standing])
        elif arguments.dry_run:
            sys.stdout.write(list_text(standing))
        else:
            sys.stdout.write("Nothing was given up. With --yes it is, without asking.\n")
        return 0 if arguments.dry_run else 1
    return _ordered(arguments, place, standing)


def _agreed(arguments: argparse.Namespace, standing: Sequence[Expired]) -> bool:
    """A person at a terminal is asked, after seeing what is meant."""
    if arguments.yes:
        return True
    if arguments.json:
        return False
    sys.stdout.write(list_text(standing, with_next=False))
    if not sys.stdin.isatty():
        return False
    sys.stdout.write(ASK)
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _ordered(arguments: argparse.Namespace, place: Place, standing: Sequence[Expired]) -> int:
    """Ask the engine for each partition; a refused one does not keep the others from their turn."""
    results: list[dict[str, Any]] = []
    with ControlClients(place.controls) as client:
        for one in standing:
            asked = {"flow": one.flow, "partition": one.partition}
            try:
                results.append(client.post("/expired/discard", {**asked, "reason": arguments.reason}))
            except UnavailableProblem:
                raise
            except Problem as problem:
                results.append({**asked, "error": problem.code, "detail": str(problem)})
    if arguments.json:
        print_json(results)
    else:
        sys.stdout.write(discarded_text(results))
    return 1 if any("error" in result for result in results) else 0


def _asked(place: Place, flows: Sequence[str]) -> list[Expired]:
    async def ask() -> list[Expired]:
        reader = await place.reader()
        try:
            return await reader.expired(flows) if isinstance(reader, SeesExpired) else []
        finally:
            await reader.close()

    return asyncio.run(ask())


def _data(one: Expired) -> dict[str, Any]:
    return {**one._asdict(), "events": one.events}
