"""`interlock changelog`: what each version of each contract changed, and when old ones end. Exit 0, 2 nothing there."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec

from interlock.app.local_time import today
from interlock.contracts.diff import compare
from interlock.estate.folder import Folder
from interlock.estate.static_check import read_static
from interlock.govern.changelog import histories, markdown, text
from interlock.model.problems import EstateInvalid


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("contract", nargs="?", help="such as orders.OrderPlaced or apis/shop (default: all)")
    parser.add_argument("--estate", default=".", type=Path, help="folder of the estate (default: here)")
    parser.add_argument("--format", choices=("text", "markdown", "json"), default="text", help="default: text")
    parser.add_argument("--json", action="store_true", help="the same as --format json")


def run(arguments: argparse.Namespace) -> int:
    try:
        estate = read_static(Folder(arguments.estate), compare, today())
    except EstateInvalid as problem:
        print(f"{problem.detail}\n   {problem.step}", file=sys.stderr)
        return 2
    found = histories(estate, compare, arguments.contract)
    if not found:
        wanted = f"no contract {arguments.contract}" if arguments.contract else "no contracts"
        print(f"The estate has {wanted}.\n   There is: {', '.join(estate.versions) or 'none'}.", file=sys.stderr)
        return 2
    if arguments.json or arguments.format == "json":
        print(msgspec.json.format(msgspec.json.encode({"contracts": found}), indent=2).decode())
    else:
        print(markdown(found) if arguments.format == "markdown" else text(found))
    return 0
