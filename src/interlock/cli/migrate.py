"""`interlock migrate`: carry a deployment's data to another kind of store, and back."""

from __future__ import annotations

import argparse
import asyncio
import sys

from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from interlock.app.forgetting import forget
from interlock.app.migrating import Carried, move, place_of, stay
from interlock.cli.estate_argument import add_estate
from interlock.cli.record_arguments import print_json
from interlock.estate.estate import Estate
from interlock.estate.loader import load

PLACES = ("sqlite", "postgres", "postgres+jetstream")


def configure(parser: argparse.ArgumentParser) -> None:
    add_estate(parser)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--to", choices=PLACES, help="where to move to: kind of store, and of log")
    what.add_argument(
        "--forget", metavar="STREAM", help="delete the JetStream stream of a state that was moved away from"
    )
    parser.add_argument(
        "--schema", help="on PostgreSQL the new schema, or the one that was moved away from (default: stores.schema)"
    )
    parser.add_argument("--environment", default="local", help="environment of interlock.toml (default: local)")
    parser.add_argument(
        "--stay", action="store_true", help="take back a move to that place that broke off at its very end"
    )
    parser.add_argument("--json", action="store_true", help="counts and checksums as JSON")
    parser.epilog = (
        "Stop the engines first. Both places come from [stores] of interlock.toml: `kind` says where the data is now. "
        "All is carried and compared, or nothing; afterwards no engine starts on the old store."
    )


def run(arguments: argparse.Namespace) -> int:
    estate = load(arguments.estate, arguments.environment)
    schema: str = arguments.schema or estate.settings.stores.schema
    if arguments.forget:
        return _forget(arguments, estate, schema)
    if arguments.stay:
        return _stay(arguments, estate, schema)
    columns = (TextColumn("{task.description}"), TextColumn("{task.completed}"), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bars = {"": progress.add_task("opening")}

        def advance(kind: str, count: int) -> None:
            if kind not in bars:
                bars[kind] = progress.add_task(kind, total=None)
            progress.update(bars[kind], completed=count)

        carried = asyncio.run(move(estate, arguments.to, schema, advance))
    if arguments.json:
        print_json({"to": arguments.to, "rows": [row._asdict() for row in carried]})
        return 0
    sys.stdout.write(render(carried) if carried else "all had arrived before; the old store knows it now\n")
    kind, _, log = arguments.to.partition("+")
    settings = f'kind = "{kind}", log = "{log or "state"}"' + (f', schema = "{schema}"' if kind == "postgres" else "")
    print(f"\nmoved to {place_of(estate, arguments.to, schema)}")
    print(f"next: set {settings} under [stores] of interlock.toml, then: interlock up")
    return 0


def _forget(arguments: argparse.Namespace, estate: Estate, schema: str) -> int:
    count = asyncio.run(forget(estate, arguments.forget, schema))
    if arguments.json:
        print_json({"deleted": arguments.forget, "messages": count})
        return 0
    print(f"deleted the stream {arguments.forget} with {count:,} messages: all of them were carried away before")
    print(f"the schema {schema} is still there, as a backup of the state; when it is not needed: DROP SCHEMA … CASCADE")
    return 0


def _stay(arguments: argparse.Namespace, estate: Estate, schema: str) -> int:
    taken_back = asyncio.run(stay(estate, arguments.to, schema))
    print("taken back: engines may start here again" if taken_back else "no move broke off: nothing to take back")
    return 0


def render(carried: list[Carried]) -> str:
    """A line for each kind of row."""
    width = max(len(row.kind) for row in carried) if carried else 0
    lines = [f"{row.kind:<{width}}  {row.rows:>12,}  {row.checksum[:16]}\n" for row in carried]
    return "".join(["rows carried, and the checksum that both sides have\n", *lines])
