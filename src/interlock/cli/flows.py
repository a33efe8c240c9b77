"""`interlock flows drain`: which versions of sagas still have open runs, and so cannot be taken out of the code."""

from __future__ import annotations

import argparse
import sys

from interlock.cli.record_arguments import add_place, asked, place_of, print_json
from interlock.operate.run_text import versions_text
from interlock.operate.runs import versions


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="action")
    drain = actions.add_parser("drain", help="open runs by version; exit code 1 while an old version has any")
    drain.add_argument("--flow", help="of this flow only")
    drain.set_defaults(act=_drain)
    add_place(drain)


def run(arguments: argparse.Namespace) -> int:
    return int(arguments.act(arguments))


def _drain(arguments: argparse.Namespace) -> int:
    place = place_of(arguments, with_estate=True)
    assert place.estate is not None
    newest = {
        (flow.name, saga.name): max(one.version for one in flow.sagas if one.name == saga.name)
        for flow in place.estate.flows.values()
        for saga in flow.sagas
    }
    found = [one for one in asked(place, versions) if arguments.flow in (None, one.flow)]
    old = [one for one in found if one.version != newest.get((one.flow, one.saga))]
    if arguments.json:
        print_json({"open": [one._asdict() for one in found], "drained": not old})
    else:
        sys.stdout.write(versions_text(found))
        for one in old:
            sys.stdout.write(f"keep version {one.version} of {one.saga} in {one.flow}: {one.open} runs have it\n")
    return 1 if old else 0
