"""The `interlock` command: arguments in, text out.

Exit codes: 0 done, or the answer is yes; 1 the answer is no, or it failed; 2 the arguments or the input are unreadable.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module

from interlock import __version__
from interlock.model.problems import Problem

COMMANDS: dict[str, str] = {
    "init": "make a small estate to start from",
    "new": "make a part of an estate from a template, or the next version of a contract",
    "import": "contracts from OpenAPI, AsyncAPI or a schema registry, with a report of what could not be carried",
    "check": "check an estate; every mistake at once",
    "lint": "what is wrong with contracts of any origin, and how to put it right",
    "generate": "write typed classes and clients from contracts",
    "dev": "run an estate here, with the embedded store",
    "up": "run an estate as a service",
    "status": "what runs, and whether the sums balance",
    "why": "the story of an event, a business key or a delivery",
    "mock": "serve what contracts say, before the provider exists",
    "verify": "hold examples, providers and consumers' expectations to the contracts",
    "can-i-deploy": "whether a version is verified with all that it would meet in an environment",
    "diff": "what changed between two contracts, and whom it hurts",
    "gate": "judge a change of the contracts against another git revision",
    "changelog": "what each version of each contract changed, and when old ones end",
    "doctor": "look at a deployment: which promises its settings give or break",
    "outbox": "the table in your own database from which events are relayed: how it is made, how it stands",
    "drill": "run an estate on simulated time, where everything breaks, and ask what must hold",
    "runs": "list, show, pause, resume and cancel the runs of sagas",
    "flows": "which versions of sagas still have open runs",
    "dlq": "list, show, redrive and discard dead letters",
    "expired": "list and discard what a log outside dropped before it was handled",
    "migrate": "carry the data to another kind of store, with checksums, and back",
}
# Verbs that are no names of a Python module.
MODULES = {"import": "import_contracts", "can-i-deploy": "can_i_deploy"}

# What a wrong argument comes to; every other error of the system is a failure of what was asked.
_STEPS: dict[type[OSError], str] = {
    FileNotFoundError: "See what the path should be.",
    IsADirectoryError: "Name a file in this folder.",
    NotADirectoryError: "Name a folder; a part of this path is a file.",
}
_STEP = "See that the path exists and that this user may read and write it."


def main(argv: list[str] | None = None) -> int:
    """Entry point of the console script."""
    parser = argparse.ArgumentParser(prog="interlock", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--version", action="version", version=f"interlock {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    words = sys.argv[1:] if argv is None else argv
    for name, purpose in COMMANDS.items():
        child = commands.add_parser(name, help=purpose, description=purpose)
        if name in words[:1]:  # the others stay unloaded: a command starts in the time of its own imports
            module = import_module(f"interlock.cli.{MODULES.get(name, name)}")
            module.configure(child)
            child.set_defaults(run=module.run)
    arguments = parser.parse_args(words)
    return _carried_out(arguments)


def _carried_out(arguments: argparse.Namespace) -> int:
    try:
        code = int(arguments.run(arguments))
        sys.stdout.flush()  # here, where a reader that went away can still be forgiven
        return code
    except Problem as problem:
        print(f"{problem.code}: {problem.detail}\n   {problem.step}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # such as `interlock why … | head`; the interpreter flushes once more when it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        said = ": ".join(str(part) for part in (error.strerror or error, error.filename) if part is not None)
        print(f"{said}\n   {_STEPS.get(type(error), _STEP)}", file=sys.stderr)
        return 2 if type(error) in _STEPS else 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
