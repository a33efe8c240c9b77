"""`interlock new version CONTRACT`: the next version of a contract to edit. Exit 0 made, 2 no such contract."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec

from interlock.app.local_time import today
from interlock.estate.new_version import NewVersion, make_version
from interlock.model.problems import EstateInvalid


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("contract", help="such as orders.OrderPlaced, apis/shop or webhooks/github/push")
    parser.add_argument("--estate", default=".", type=Path, help="folder of the estate (default: here)")
    level = parser.add_mutually_exclusive_group()
    for name, purpose in (("major", "breaks readers"), ("minor", "adds (default)"), ("patch", "only words change")):
        level.add_argument(f"--{name}", dest="level", action="store_const", const=name, help=purpose)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(level="minor")


def run(arguments: argparse.Namespace) -> int:
    try:
        made = make_version(arguments.estate, arguments.contract, arguments.level, today())
    except EstateInvalid as problem:
        print(f"{problem.detail}\n   {problem.step}", file=sys.stderr)
        return 2
    if arguments.json:
        document = {
            "contract": made.contract, "old": str(made.old), "new": str(made.new), "file": made.file,
            "written": made.written, "plan": made.plan,
        }  # fmt: skip
        print(msgspec.json.encode(document).decode())
    else:
        print(_text(made))
    return 0


def _text(made: NewVersion) -> str:
    lines = [f"{made.contract} {made.old} → {made.new}: {', '.join(made.written)}"]
    if made.plan:
        lines.append("   See dates, contact and reason of the old major in deprecations.toml.")
    lines.append(f"   Next: edit {made.file}, then: interlock generate && interlock check")
    return "\n".join(lines)
