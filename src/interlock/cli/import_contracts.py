"""`interlock import openapi|asyncapi|confluent SOURCE`: contracts of others in an estate, with a report.

Exit 0 the estate has what the source says (or what was edited since), 1 a file says something else and was left alone,
2 the source or the estate cannot be read. What could not be carried stands in the report, and is no failure.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec

from interlock.app.importing import Imported, SourceUnreadable, Wanted, from_asyncapi, from_openapi, from_registry
from interlock.app.registry_source import RegistrySource, RegistryUnreadable
from interlock.cli.finding_text import counted
from interlock.contracts.importing.filling import Filling
from interlock.contracts.importing.note import NOTE_KINDS
from interlock.contracts.lint.field_rules import CLASSES
from interlock.contracts.semver import SemanticVersion
from interlock.estate.folder import Folder
from interlock.estate.import_files import STEPS
from interlock.estate.new_part import PartRefused, owner_of
from interlock.model.problems import EstateInvalid

_PURPOSES = {
    "openapi": "an OpenAPI 3.0 or 3.1 document as an API contract",
    "asyncapi": "the messages of an AsyncAPI 2 or 3 document as event contracts",
    "confluent": "every subject of a running schema registry as event contracts",
}
_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_DOMAIN = re.compile(r"[a-z][a-z0-9_]*")
_ENV = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*")
_SAID = {"lost": "not carried", "kept": "kept but not enforced", "changed": "changed", "missing": "to be added"}


class _Refused(Exception):
    """An argument that makes no sense, and what would."""


def configure(parser: argparse.ArgumentParser) -> None:
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="kind")
    for kind, purpose in _PURPOSES.items():
        child = kinds.add_parser(kind, help=purpose, description=purpose)
        child.add_argument("source", help="address of the registry" if kind == "confluent" else "file, JSON or YAML")
        child.add_argument("--into", default=".", type=Path, metavar="ESTATE", help="the estate (default: here)")
        child.add_argument("--owner", help="an owner of owners.toml (default: the only one)")
        child.add_argument("--classify", choices=[str(one) for one in CLASSES], help="class of every field without one")
        child.add_argument("--close", action="store_true", help="refuse undeclared fields where the source takes them")
        if kind == "openapi":
            child.add_argument("--name", help="name of the API (default: made of its title)")
        else:
            _configure_events(child)
        if kind != "confluent":
            child.add_argument("--version", help="version of the contract (default: the document's)")
        else:
            child.add_argument("--auth", metavar="env:NAME", help="variable that holds user:password")
        child.add_argument("--replace", action="store_true", help="take a changed source over where nobody has edited")
        child.add_argument("--dry-run", action="store_true", help="write nothing; print the report")
        child.add_argument("--json", action="store_true", help="print one JSON document")
        child.set_defaults(name=None, domain=None, partition_key=[], examples=False, rename=[], version=None, auth=None)


def _configure_events(child: argparse.ArgumentParser) -> None:
    child.add_argument("--domain", help="domain of the events (default: made of the source's names)")
    child.add_argument(
        "--partition-key",
        action="append",
        metavar="/FIELD",
        help="field that orders; the first that an event has",
    )
    child.add_argument("--examples", action="store_true", help="generate an example for each event without one")
    child.add_argument(
        "--rename", action="append", metavar="NAME=NewName", help="of a message, a schema or a subject; repeatable"
    )


def run(arguments: argparse.Namespace) -> int:
    try:
        folder = Folder(arguments.into)
        imported = _imported(arguments, folder, _wanted(arguments, folder))
    except (EstateInvalid, PartRefused, RegistryUnreadable) as problem:
        print(f"{problem.detail}\n   {problem.step}", file=sys.stderr)
        return 2
    except (SourceUnreadable, _Refused) as refused:
        print(refused, file=sys.stderr)
        return 2
    print(_document(imported) if arguments.json else _text(imported, arguments.dry_run))
    return 0 if imported.made.agrees else 1


def _imported(arguments: argparse.Namespace, folder: Folder, wanted: Wanted) -> Imported:
    if arguments.kind == "confluent":
        return from_registry(
            RegistrySource(arguments.source, _secret(arguments.auth)), arguments.source, folder, wanted
        )
    if re.match(r"https?://", arguments.source):
        raise _Refused(f"Documents are not fetched.\n   First: curl -o source.yaml {arguments.source}")
    read: Callable[[Path, Folder, Wanted], Imported] = from_openapi if arguments.kind == "openapi" else from_asyncapi
    return read(Path(arguments.source), folder, wanted)


def _wanted(arguments: argparse.Namespace, folder: Folder) -> Wanted:
    if arguments.name is not None and not _NAME.fullmatch(arguments.name):
        raise _Refused(f"{arguments.name} is no name of an API.\n   Such as: --name shop")
    if arguments.domain is not None and not _DOMAIN.fullmatch(arguments.domain):
        raise _Refused(f"{arguments.domain} is no domain.\n   Such as: --domain orders")
    keys = tuple(arguments.partition_key)
    for key in keys:
        if not key.startswith("/"):
            raise _Refused(f"{key} is no JSON Pointer.\n   Such as: --partition-key /{key}")
    return Wanted(
        owner=owner_of(folder, arguments.owner),
        filling=Filling(arguments.classify, arguments.close, keys, arguments.examples),
        name=arguments.name,
        domain=arguments.domain,
        version=_version(arguments.version),
        renames=dict(_pair(one) for one in arguments.rename),
        replace=arguments.replace,
        dry=arguments.dry_run,
    )


def _version(text: str | None) -> SemanticVersion | None:
    if text is None:
        return None
    try:
        version = SemanticVersion.parse(text)
    except ValueError:
        raise _Refused(f"{text} is no version.\n   Three numbers: --version 1.0.0") from None
    if version.major == 0:
        raise _Refused("A contract begins at 1.0.0.\n   Such as: --version 1.0.0")
    return version


def _pair(text: str) -> tuple[str, str]:
    old, _, new = text.partition("=")
    if not old or not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", new):
        raise _Refused(f"{text} renames nothing.\n   Such as: --rename placeOrder=OrderPlaced")
    return old, new


def _secret(reference: str | None) -> str | None:
    if reference is None:
        return None
    if not _ENV.fullmatch(reference):
        raise _Refused(
            "A password does not belong on a command line.\n   Put user:password into a variable: --auth env:NAME"
        )
    value = os.environ.get(reference.removeprefix("env:"))
    if not value:
        raise _Refused(f"{reference.removeprefix('env:')} is not set.\n   Set it to user:password.")
    return value


def _document(imported: Imported) -> str:
    document = {
        "files": [{"path": one.path, "standing": one.standing} for one in imported.made.files],
        "generated": imported.made.generated,
        "stale": imported.made.stale,
        "report": imported.place,
        "notes": imported.notes,
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def _text(imported: Imported, dry: bool) -> str:
    files = imported.made.files
    totals = Counter(one.standing for one in files)
    counts = ", ".join(f"{total} {standing}" for standing, total in totals.items())
    lines = [counted(len(files), "contract") + (f": {counts}" if counts else "")]
    for one in files:
        if one.standing in STEPS:
            lines.append(f"{one.path}  {one.standing}\n   {STEPS[one.standing]}")
    lines += [f"   Not generated: {path}; its domain has mistakes." for path in imported.made.stale]
    if dry:
        return "\n".join([imported.report, *lines, "   Nothing was written."])
    kinds = Counter(note.kind for note in imported.notes)
    said = ", ".join(f"{kinds[kind]} {_SAID[kind]}" for kind in NOTE_KINDS if kinds[kind])
    lines.append(f"report: {imported.place}" + (f" ({said})" if said else ""))
    lines.append("   Next: interlock check")
    return "\n".join(lines)
