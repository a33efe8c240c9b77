"""`interlock init NAME`: a small estate to start from, which passes `interlock check`."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

import msgspec

from interlock.estate.loader import load
from interlock.estate.starter import write_starter

_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="name of the estate and of its new folder: lower-case letters, digits, dashes")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: argparse.Namespace) -> int:
    """Exit 0 made, 1 the folder exists, 2 no name for an estate."""
    name: str = arguments.name
    target = Path(name)
    if not _NAME.fullmatch(name):
        print(f"{name} is no name for an estate.\n   Use lower-case letters, digits and dashes.", file=sys.stderr)
        return 2
    if target.exists():
        print(f"{name} exists already.\n   Choose another name, or remove it first.", file=sys.stderr)
        return 1
    write_starter(target, name)
    estate = load(target)
    slos, runbooks = len(list(target.glob("slos/*.yaml"))), len(list(target.glob("runbooks/*.md")))
    made = {"event": len(estate.contracts), "flow": len(estate.flows), "SLO": slos, "runbook": runbooks}
    if arguments.json:
        print(msgspec.json.encode({"created": name, **made}).decode())
    else:
        parts = ", ".join(f"{total} {noun}" for noun, total in made.items())
        print(f"created {name}/: {parts}. Next: interlock dev")
    return 0
