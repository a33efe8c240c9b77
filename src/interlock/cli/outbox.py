"""`interlock outbox`: the table in a user's own database, how rows are written to it, and how it stands."""

from __future__ import annotations

import argparse
import asyncio
import sys

from interlock.app.sources import (
    DEFAULT_TABLE,
    DIALECTS,
    ddl,
    source_states,
    written_by,
)
from interlock.cli.estate_argument import add_estate
from interlock.cli.record_arguments import print_json
from interlock.cli.source_text import source_text
from interlock.estate.loader import load
from interlock.model.problems import SettingInvalid

SHOWN = 20


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="action")
    make = actions.add_parser("ddl", help="print the statements that make the table, for a migration")
    make.add_argument("--notify", action="store_true", help="with a trigger that wakes the relay (postgres)")
    make.add_argument("--logical", action="store_true", help="with a publication and a replication slot (postgres)")
    make.add_argument("--slot", default=DEFAULT_TABLE, help=f"their name (default: {DEFAULT_TABLE})")
    make.set_defaults(act=_ddl)
    statement = actions.add_parser("statement", help="print the INSERT that writes an event, for any language")
    statement.set_defaults(act=_statement)
    for action in (make, statement):
        action.add_argument("--dialect", choices=DIALECTS, required=True, help="the database; mysql is MariaDB too")
        action.add_argument("--table", default=DEFAULT_TABLE, help=f"name of the table (default: {DEFAULT_TABLE})")
    status = actions.add_parser("status", help="what waits in each source of an estate, and what was refused and why")
    add_estate(status)
    status.add_argument("--environment", default="local", help="environment of interlock.toml (default: local)")
    status.add_argument("--json", action="store_true", help="print JSON")
    status.set_defaults(act=_status)


def run(arguments: argparse.Namespace) -> int:
    return int(arguments.act(arguments))


def _ddl(arguments: argparse.Namespace) -> int:
    slot = arguments.slot if arguments.logical else None
    try:
        statements = ddl(arguments.dialect, arguments.table, notify=arguments.notify, slot=slot)
    except ValueError as error:
        raise SettingInvalid(f"{error}.", next_step="Correct the arguments.") from error
    print("\n\n".join(statements))
    return 0


def _statement(arguments: argparse.Namespace) -> int:
    try:
        print(written_by(arguments.dialect, arguments.table))
    except ValueError as error:
        raise SettingInvalid(f"{error}.", next_step="Correct the arguments.") from error
    return 0


def _status(arguments: argparse.Namespace) -> int:
    """Exit 1 when a source cannot be asked or holds refused rows."""
    estate = load(arguments.estate, arguments.environment)
    states = asyncio.run(source_states(estate, SHOWN))
    if arguments.json:
        print_json([state.as_data() for state in states])
    else:
        sys.stdout.write("".join(map(source_text, states)) or "This estate declares no source.\n")
    return int(any(state.problem is not None or state.figures.refused for state in states))
