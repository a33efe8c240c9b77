"""`interlock runs`: list, show, pause, resume and cancel the runs of sagas."""

from __future__ import annotations

import argparse
import asyncio
import re
import sys

from interlock.app.control_client import ControlClients
from interlock.cli.record_arguments import add_place, asked, place_of, print_json
from interlock.model.saga import RunState
from interlock.operate.dead_letters import REASON
from interlock.operate.run_text import list_text, story_text
from interlock.operate.runs import find_run, list_runs, run_data

SHOWN = 1000


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="action")
    listing = actions.add_parser("list", help="runs that are not over, the newest last")
    listing.add_argument("--flow", help="of this flow only")
    listing.add_argument("--state", choices=[state.name.lower() for state in RunState], help="in this state only")
    listing.add_argument("--ended", action="store_true", help="those that are over instead")
    listing.add_argument("--limit", type=int, default=SHOWN, help=f"how many at most (default: {SHOWN})")
    listing.set_defaults(act=_list)
    show = actions.add_parser("show", help="one run with its journal")
    show.add_argument("run_id", metavar="run", help="its id, or the beginning of it")
    show.add_argument("--payload", action="store_true", help="show what its steps gave, too")
    show.set_defaults(act=_show)
    for name, purpose in (
        ("pause", "let a run stand where it is; what arrives for it is kept"),
        ("resume", "let a paused run go on"),
        ("cancel", "end a run; what it has done is undone, the last step first"),
    ):
        action = actions.add_parser(name, help=purpose)
        action.add_argument("run_id", metavar="run", help="its id")
        if name == "cancel":
            action.add_argument("--reason", required=True, help="why, as a code such as customer_asked")
        action.set_defaults(act=_tell, usage=action.error)
    for action in actions.choices.values():
        add_place(action)


def run(arguments: argparse.Namespace) -> int:
    return int(arguments.act(arguments))


def _list(arguments: argparse.Namespace) -> int:
    state = RunState[arguments.state.upper()] if arguments.state else None
    runs = asked(
        place_of(arguments),
        lambda reader: list_runs(reader, arguments.flow, state, ended=arguments.ended, limit=arguments.limit),
    )
    if arguments.json:
        print_json([run_data(one) for one in runs])
    else:
        sys.stdout.write(list_text(runs))
    return 0


def _show(arguments: argparse.Namespace) -> int:
    story = asked(place_of(arguments), lambda reader: find_run(reader, arguments.run_id))
    if arguments.json:
        print_json(story.as_data(arguments.payload))
    else:
        sys.stdout.write(story_text(story, arguments.payload))
    return 0


def _tell(arguments: argparse.Namespace) -> int:
    reason = getattr(arguments, "reason", None)
    if reason is not None and not re.match(REASON, reason):
        arguments.usage("A reason is a code of lower-case letters, digits, _ and -, such as customer_asked.")
    place = place_of(arguments)
    asyncio.run(place.refuse_moved())
    with ControlClients(place.controls) as client:
        told = client.post(
            f"/runs/{arguments.action}", {"run": arguments.run_id, **({"reason": reason} if reason else {})}
        )
    if arguments.json:
        print_json(told)
    else:
        sys.stdout.write(f"{told['run']}  was {told['was']}, is told to {told['told']}\n")
    return 0
