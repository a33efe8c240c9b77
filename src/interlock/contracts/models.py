"""Generates the typed classes of a domain's event contracts, or of any JSON Schema: one source file each.

Only the newest version of each event type gets a class: within a major version, every document of an older one is a
document of the newer. What the classes look like, `python_classes` says.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from interlock.contracts.event_contract import EventContract
from interlock.contracts.python_classes import PythonClasses, imports
from interlock.contracts.python_text import WIDTH, is_field_name, pascal, quoted, sentence
from interlock.contracts.semver import SemanticVersion


def class_name(contract: EventContract) -> str:
    """OrderPlaced, and OrderPlacedV2 from the second major version on."""
    major = SemanticVersion.parse(contract.version).major
    return contract.name if major == 1 else f"{contract.name}V{major}"


def generate(domain: str, contracts: Iterable[EventContract]) -> str:
    """The source of `contracts/<domain>.py`: deterministic, formatted, strictly typed."""
    newest = {contract.type: contract for contract in sorted(contracts, key=_age)}
    classes = PythonClasses({class_name(contract) for contract in newest.values()})
    for contract in sorted(newest.values(), key=class_name):
        doc = sentence(contract.schema.get("description") or f"{contract.type} {contract.version}")
        constants = (
            f"__contract__: ClassVar[str] = {quoted(contract.type)}",
            f"__version__: ClassVar[str] = {quoted(contract.version)}",
        )
        classes.add_root(class_name(contract), doc, contract.schema, constants)
    what = [f"Events of the domain {domain}, generated from contracts/events/{domain}."]
    what.append("Do not edit: change the schemas, then run `interlock generate`.")
    return _render(what, schemas_hash(newest.values()), classes)


def generate_schema(name: str, schema: Mapping[str, Any]) -> str:
    """The source of the classes of one JSON Schema. The root class is called after its title, or `name`."""
    title = pascal(str(schema.get("title") or name))
    classes = PythonClasses({title})
    if ("properties" in schema and all(map(is_field_name, schema["properties"]))) or "allOf" in schema:
        classes.add_root(title, sentence(schema.get("description") or title), schema)
        alias = ""
    else:
        alias = f"\n\n{title} = {classes.kind(schema, schema, title, 'Item')}\n"
    what = [f"Classes of the schema {name}.", "Do not edit: generate it again with `interlock generate`."]
    return _render(what, fingerprint(schema), classes, alias)


def schemas_hash(contracts: Iterable[EventContract]) -> str:
    """Of all that the classes are made from."""
    return fingerprint(sorted((contract.type, contract.version, contract.schema) for contract in contracts))


def fingerprint(document: Any) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _age(contract: EventContract) -> SemanticVersion:
    return SemanticVersion.parse(contract.version)


def _render(what: list[str], digest: str, classes: PythonClasses, more: str = "") -> str:
    body = classes.source() + more
    lines = [f'"""{what[0]}', "", what[1], '"""', ""]
    if any(len(line) > WIDTH for line in body.split("\n")):
        lines += ["# ruff: noqa: E501", "# fmt: off"]
    lines += [f"# schemas: {digest}", "", "from __future__ import annotations", ""]
    needed = imports(body)
    return "\n".join([*lines, *needed, *([""] if needed else []), "import msgspec"]) + "\n" + body
