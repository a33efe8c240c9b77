"""`interlock generate`: typed classes and clients from contracts.

In an estate, the classes of its events, and the clients that exist or that --client names. For a file, OpenAPI or JSON
Schema, everything into the folder of --out. Exit 0 written, 1 the contracts have mistakes, 2 unreadable.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec

from interlock.cli.estate_argument import add_estate
from interlock.cli.finding_text import finding_text, summary
from interlock.contracts.api.description import ApiDescription
from interlock.contracts.client_stubs import RUNTIME, generate_client
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.json_schema.dialect import dialect_of
from interlock.contracts.json_schema.sound import sound
from interlock.contracts.models import generate_schema
from interlock.estate.client_files import api_names, client_sources, runtime_source, write_clients
from interlock.estate.contract_documents import ContractDocument, DocumentRefused, contract_documents
from interlock.estate.contract_files import read_events
from interlock.estate.findings import Findings
from interlock.estate.folder import Folder
from interlock.estate.model_files import sources, write_models
from interlock.estate.setting_files import read_owners
from interlock.estate.waiver_file import apply_waivers, read_waivers
from interlock.model.problems import EstateInvalid


def configure(parser: argparse.ArgumentParser) -> None:
    add_estate(parser, about="folder of the estate, or a contract file (default: here)")
    parser.add_argument(
        "--client", action="append", default=[], metavar="API", help="also write the client of this API"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the output of a single file goes")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: argparse.Namespace) -> int:
    """Flows are not imported: they may need the very classes that are missing."""
    if arguments.estate.is_file():
        return _single(arguments)
    if not arguments.estate.exists():
        print(f"{arguments.estate}: there is no such file or folder.\n   See what the path should be.", file=sys.stderr)
        return 2
    try:
        folder = Folder(arguments.estate)
    except EstateInvalid as problem:
        print(f"{problem.detail}\n   {problem.step}", file=sys.stderr)
        return 2
    unknown = sorted(set(arguments.client) - set(api_names(folder)))
    if unknown:
        known = ", ".join(api_names(folder)) or "none"
        print(f"The estate has no API {', '.join(unknown)}.\n   Its APIs: {known}", file=sys.stderr)
        return 2
    return _estate(folder, arguments)


def _estate(folder: Folder, arguments: argparse.Namespace) -> int:
    findings = Findings()
    owners = read_owners(folder, findings)
    waivers = read_waivers(folder, owners, findings)
    contracts = read_events(folder, owners, findings)
    apply_waivers(waivers, findings, None)
    if findings.errors:
        for finding in findings.errors:
            print(finding_text(finding), file=sys.stderr)
        print(f"{summary(findings.errors, len(contracts))}; nothing was written", file=sys.stderr)
        return 1
    try:
        total = len(sources(contracts)) + len(client_sources(folder, arguments.client))
        changed = write_models(folder, contracts) + write_clients(folder, arguments.client)
    except ContractInvalid as error:
        print(f"An API cannot be read: {error.pointer}: {error.detail}\n   Run: interlock check", file=sys.stderr)
        return 1
    _tell([path.as_posix() for path in changed], total, arguments.json)
    return 0


def _single(arguments: argparse.Namespace) -> int:
    if arguments.out is None:
        print("A single file needs a place for its output.\n   Add --out DIR.", file=sys.stderr)
        return 2
    try:
        made = _of_file(contract_documents(arguments.estate)[0])
    except DocumentRefused as refused:
        print(f"{refused}\n   Correct the document at this line.", file=sys.stderr)
        return 2
    arguments.out.mkdir(parents=True, exist_ok=True)
    changed = []
    for name, source in made.items():
        path = arguments.out / name
        if not path.is_file() or path.read_text(encoding="utf-8") != source:
            path.write_text(source, encoding="utf-8", newline="\n")
            changed.append(path.as_posix())
    _tell(changed, len(made), arguments.json)
    return 0


def _of_file(document: ContractDocument) -> dict[str, str]:
    stem = "".join(letter if letter.isalnum() else "_" for letter in Path(document.file).stem.lower())
    stem = stem if stem[0].isalpha() else f"contract_{stem}"
    try:
        if document.kind == "api":
            client = generate_client(stem, ApiDescription(document.value))
            return {f"{stem}_client.py": client, f"{RUNTIME}.py": runtime_source()}
        sound(document.value, dialect_of(document.value))
        return {f"{stem}.py": generate_schema(stem, document.value)}
    except ContractInvalid as error:
        raise document.refused(error.pointer, error.detail) from None


def _tell(changed: list[str], total: int, as_json: bool) -> None:
    if as_json:
        print(msgspec.json.encode({"changed": changed}).decode())
    else:
        print("\n".join(f"wrote {path}" for path in changed) or f"up to date: {total} of {total}")
