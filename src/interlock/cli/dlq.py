"""`interlock dlq`: list, show, redrive and discard dead letters, of handlings and of deliveries."""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from interlock.app.control_client import ControlClients
from interlock.cli.record_arguments import Place, add_place, asked, place_of, print_json
from interlock.model.problems import Problem, UnavailableProblem
from interlock.operate.dead_letter_text import list_text, story_text
from interlock.operate.dead_letters import REASON, find_dead, list_dead, parse_mark

ID_HELP = "flow/partition/position/generation, or a delivery id"


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="action")
    listing = actions.add_parser("list", help="all dead letters, oldest first")
    listing.add_argument("--flow", help="of this flow only")
    listing.set_defaults(act=_list)
    show = actions.add_parser("show", help="one dead letter with all its attempts")
    show.add_argument("id", help=ID_HELP)
    show.add_argument("--payload", action="store_true", help="show the payload too")
    show.set_defaults(act=_show)
    redrive = actions.add_parser("redrive", help="handle or send again, with the same idempotency keys")
    redrive.add_argument("id", nargs="?", help=ID_HELP)
    redrive.add_argument("--flow", help="with --all: every dead letter of this flow")
    redrive.add_argument("--all", action="store_true", help="all of the flow, oldest first")
    redrive.add_argument("--dry-run", action="store_true", help="only say what would be redriven")
    redrive.set_defaults(act=_redrive, usage=redrive.error)
    discard = actions.add_parser("discard", help="give a dead letter up for good")
    discard.add_argument("id", help=ID_HELP)
    discard.add_argument("--reason", required=True, help="why, as a code such as wrong_customer, kept in the record")
    discard.set_defaults(act=_discard, usage=discard.error)
    for action in (listing, show, redrive, discard):
        add_place(action)


def run(arguments: argparse.Namespace) -> int:
    return int(arguments.act(arguments))


def _list(arguments: argparse.Namespace) -> int:
    letters = asked(place_of(arguments), lambda reader: list_dead(reader, arguments.flow))
    if arguments.json:
        print_json([letter.as_data() for letter in letters])
    else:
        sys.stdout.write(list_text(letters))
    return 0


def _show(arguments: argparse.Namespace) -> int:
    story = asked(place_of(arguments), lambda reader: find_dead(reader, arguments.id))
    if arguments.json:
        print_json(story.as_data(arguments.payload))
    else:
        sys.stdout.write(story_text(story, arguments.payload))
    return 0


def _redrive(arguments: argparse.Namespace) -> int:
    if arguments.all and arguments.id is not None and arguments.estate is None and Path(arguments.id).is_dir():
        arguments.id, arguments.estate = None, Path(arguments.id)  # the only thing that stands by position
    if (arguments.id is None) == (not arguments.all) or (arguments.all and not arguments.flow):
        arguments.usage("name one dead letter, or all of a flow with: --flow FLOW --all")
    place = place_of(arguments)
    if arguments.id is None:
        letters = asked(place, lambda reader: list_dead(reader, arguments.flow))
        ids = [letter.id for letter in letters]
    else:
        ids = [arguments.id]
    if arguments.dry_run:
        return _said(arguments, [{"id": one, "would": "redrive"} for one in ids])
    return _ordered(arguments, place, "/dlq/redrive", ids)


def _discard(arguments: argparse.Namespace) -> int:
    if not re.match(REASON, arguments.reason):
        arguments.usage("A reason is a code of lower-case letters, digits, _ and -, such as wrong_customer.")
    return _ordered(arguments, place_of(arguments), "/dlq/discard", [arguments.id], reason=arguments.reason)


def _ordered(arguments: argparse.Namespace, place: Place, path: str, ids: list[str], **more: str) -> int:
    """Ask the engine for each. A refused one does not keep the others from their turn; a silent engine ends it."""
    results: list[dict[str, Any]] = []
    asyncio.run(place.refuse_moved())
    with ControlClients(place.controls) as client:
        for one in track(ids, "redriving", console=Console(stderr=True), disable=len(ids) < 2 or arguments.json):
            try:
                results.append({"id": one, **client.post(path, _named(one) | more)})
            except UnavailableProblem:
                raise
            except Problem as problem:
                results.append({"id": one, "error": problem.code, "detail": str(problem)})
    return _said(arguments, results)


def _named(letter_id: str) -> dict[str, Any]:
    mark = parse_mark(letter_id)
    return {"delivery_id": letter_id} if mark is None else mark._asdict()


def _said(arguments: argparse.Namespace, results: list[dict[str, Any]]) -> int:
    failed = [result for result in results if "error" in result]
    if arguments.json:
        print_json(results)
    else:
        for result in results:
            sys.stdout.write(_line(result) + "\n")
        if len(results) != 1:
            sys.stdout.write(f"{len(results) - len(failed)} of {len(results)}\n")
    return 1 if failed else 0


def _line(result: dict[str, Any]) -> str:
    if "would" in result:
        return f"would redrive {result['id']}"
    if "error" in result:
        return f"{result['id']}  {result['error']}: {result['detail']}"
    if "redriven" in result:
        return f"{result['id']}  redriven as {result['redriven']}"
    return f"{result['id']}  discarded"
