"""The `interlock` command: arguments in, text out.

Exit codes: 0 done, or the answer is yes; 1 the answer is no, or it failed; 2 the arguments or the input are unreadable.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

from interlock import __version__
from interlock.model.problems import Problem

COMMANDS: dict[str, str] = {
    "init": "make a small estate to start from",
    "check": "check an estate; every mistake at once",
    "generate": "write the typed classes of the event contracts",
    "dev": "run an estate here, with the embedded store",
    "up": "run an estate as a service",
    "status": "what runs, and whether the sums balance",
    "why": "the story of an event, a business key or a delivery",
    "dlq": "list, show, redrive and discard dead letters",
}


def main(argv: list[str] | None = None) -> int:
    """Entry point of the console script."""
    parser = argparse.ArgumentParser(prog="interlock", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--version", action="version", version=f"interlock {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    words = sys.argv[1:] if argv is None else argv
    for name, purpose in COMMANDS.items():
        child = commands.add_parser(name, help=purpose, description=purpose)
        if name in words[:1]:  # the others stay unloaded: a command starts in the time of its own imports
            module = import_module(f"interlock.cli.{name}")
            module.configure(child)
            child.set_defaults(run=module.run)
    arguments = parser.parse_args(words)
    try:
        return int(arguments.run(arguments))
    except Problem as problem:
        print(f"{problem.code}: {problem.detail}\n   {problem.step}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
