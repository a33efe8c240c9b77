"""`interlock new event|api|webhook|flow|estate|version NAME`: parts of an estate that pass every check untouched.

Exit 0 made, 1 it exists already, 2 the name or the estate will not do.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec

from interlock.cli import init, new_version
from interlock.estate.new_part import NewPart, PartRefused, make_part
from interlock.estate.part_name import NameRefused
from interlock.estate.template import KINDS, Template, TemplateKind, of_kind
from interlock.model.problems import EstateInvalid

_NAMES: dict[TemplateKind, str] = {
    "event": "domain and fact, such as orders.OrderCancelled",
    "api": "such as returns",
    "webhook": "who sends it, and what: github/push; or the subscriber's name, with --template outbound",
    "flow": "such as fulfil-order",
}
_NEXT: dict[str, str] = {
    "event": "interlock dev, then send the example to POST /events",
    "api": "interlock dev, or without a flow: interlock mock {file}",
    "webhook": "read {file} and shape it",
    "flow": "edit {file}, then: interlock check",
}


def configure(parser: argparse.ArgumentParser) -> None:
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="kind")
    for kind in KINDS:
        purpose = of_kind(kind)[0].purpose
        child = kinds.add_parser(kind, help=purpose, description=purpose)
        if kind == "estate":
            init.configure(child)
            child.set_defaults(make=init.run)
        else:
            _configure(child, kind)
            child.set_defaults(make=_make)
    version = kinds.add_parser("version", help="the next version of a contract", description="the next version")
    new_version.configure(version)
    version.set_defaults(make=new_version.run)


def run(arguments: argparse.Namespace) -> int:
    return int(arguments.make(arguments))


def _configure(parser: argparse.ArgumentParser, kind: TemplateKind) -> None:
    templates = of_kind(kind)
    parser.add_argument("name", help=_NAMES[kind])
    if len(templates) > 1:
        parser.add_argument(
            "--template",
            choices=[template.id for template in templates],
            default=templates[0].id,
            help="; ".join(f"{template.id}: {template.purpose}" for template in templates),
        )
    if any(template.event for template in templates):
        parser.add_argument("--on", metavar="EVENT", help="the event it waits for (default: the estate's only one)")
    parser.add_argument("--owner", help="an owner of owners.toml (default: the only one)")
    parser.add_argument("--estate", default=".", type=Path, help="folder of the estate (default: here)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(template=templates[0].id, on=None)


def _make(arguments: argparse.Namespace) -> int:
    template = next(one for one in of_kind(arguments.kind) if one.id == arguments.template)
    if arguments.on is not None and not template.event:
        print(f"The template {template.id} waits for no event.\n   Leave --on out.", file=sys.stderr)
        return 2
    try:
        made = make_part(arguments.estate, template, arguments.name, arguments.owner, arguments.on)
    except (EstateInvalid, NameRefused) as problem:
        print(f"{problem.detail}\n   {problem.step}", file=sys.stderr)
        return 2
    except PartRefused as problem:
        print(f"{problem.detail}\n   {problem.step}", file=sys.stderr)
        return 1 if problem.exists else 2
    print(_document(made) if arguments.json else _text(made))
    return 0


def _main_file(made: NewPart) -> str:
    """The one to open first: the flow, else the contract."""
    wanted = "flows/" if made.template.kind == "flow" or made.template.id == "outbound" else "contracts/"
    return next(path for path in made.written if path.startswith(wanted))


def _document(made: NewPart) -> str:
    document = {
        "kind": made.template.kind, "template": made.template.id, "name": made.name, "written": made.written,
        "waits": _waits(made.template, made), "stale": made.stale,
    }  # fmt: skip
    return msgspec.json.encode(document).decode()


def _text(made: NewPart) -> str:
    file = _main_file(made)
    lines = [f"made {made.template.kind} {made.name} ({made.template.id}):", *(f"  {path}" for path in made.written)]
    lines += [f"   Not generated: {path}; its domain has mistakes. Run: interlock check" for path in made.stale]
    if made.template.waits:
        lines.append(f"   Not yet: {_waits(made.template, made)}")
    lines.append(f"   Next: {_NEXT[made.template.kind].format(file=file)}")
    return "\n".join(lines)


def _waits(template: Template, made: NewPart) -> str:
    return template.waits.format(file=_main_file(made))
