"""One spelling for each schema, by which the registry knows it again.

JSON: without white space, members in the order given. Avro: as the specification's 'Schema Declaration' has it, with
full names, without white space and without words that say what is the default; unlike the Parsing Canonical Form it
keeps `doc`, aliases, defaults and foreign attributes, for a change of those is a change of the schema. Normalised,
members whose order says nothing are sorted as well.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from interlock.contracts.avro.node import PRIMITIVES
from interlock.ports.schema_store import Reference

_NAMED = ("record", "error", "enum", "fixed")
_FIRST = ("type", "name", "namespace", "doc", "aliases", "fields", "symbols", "items", "values", "size", "default")


def canonical(kind: str, document: Any, normalize: bool = False) -> str:
    """`document` is sound: it was read as a schema of this type before."""
    if kind == "AVRO":
        document = _avro(document, "", normalize)
    sort = normalize and kind != "AVRO"
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=sort)


def fingerprint(kind: str, text: str, references: Sequence[Reference], metadata: str) -> bytes:
    """Decides whether two contents are one; stands in the store, so it never changes."""
    parts = [kind, text, [list(one) for one in references], metadata]
    return hashlib.sha256(json.dumps(parts).encode()).digest()


def _avro(schema: Any, namespace: str, normalize: bool) -> Any:
    if isinstance(schema, str):
        return full_name(schema, namespace)
    if isinstance(schema, list):
        return [_avro(branch, namespace, normalize) for branch in schema]
    kind = schema["type"]
    if not isinstance(kind, str):
        return _avro(kind, namespace, normalize)
    if kind in _NAMED:
        return _named(schema, namespace, normalize)
    made: dict[str, Any] = {"type": full_name(kind, namespace)}
    for word in ("items", "values"):
        if word in schema:
            made[word] = _avro(schema[word], namespace, normalize)
    made.update(_rest(schema, normalize))
    return made["type"] if len(made) == 1 else made


def _named(schema: dict[str, Any], namespace: str, normalize: bool) -> dict[str, Any]:
    name = full_name(schema["name"], schema.get("namespace", namespace))
    inner = name.rpartition(".")[0]
    made: dict[str, Any] = {"type": schema["type"], "name": name}
    if "doc" in schema:
        made["doc"] = schema["doc"]
    if schema.get("aliases"):
        made["aliases"] = [full_name(alias, inner) for alias in schema["aliases"]]
    if "fields" in schema:
        made["fields"] = [_field(field, inner, normalize) for field in schema["fields"]]
    for word in ("symbols", "size", "default"):
        if word in schema:
            made[word] = schema[word]
    return made | _rest(schema, normalize)


def _field(field: dict[str, Any], namespace: str, normalize: bool) -> dict[str, Any]:
    made = {"name": field["name"], "type": _avro(field["type"], namespace, normalize)}
    for word in ("doc", "default"):
        if word in field:
            made[word] = field[word]
    if field.get("order", "ascending") != "ascending":
        made["order"] = field["order"]
    if field.get("aliases"):
        made["aliases"] = field["aliases"]
    return made | _rest({name: value for name, value in field.items() if name != "order"}, normalize)


def _rest(schema: dict[str, Any], normalize: bool) -> dict[str, Any]:
    """What the specification does not know, and logical types."""
    others = {name: value for name, value in schema.items() if name not in _FIRST}
    return {name: _sorted(others[name]) for name in sorted(others)} if normalize else others


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(part) for part in value] if isinstance(value, list) else value


def full_name(name: str, namespace: str) -> str:
    """'Names': a name with dots is full; primitives have none."""
    return name if name in PRIMITIVES or "." in name or not namespace else f"{namespace}.{name}"
