"""An Avro schema with the types of other schemas drawn in where it first names them: one that stands alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from interlock.contracts.avro.node import PRIMITIVES
from interlock.registry.canonical import full_name

_NAMED = ("record", "error", "enum", "fixed")


def with_names(document: Any, others: Iterable[Any]) -> Any:
    """`others` stand alone already. A name that nobody defines stays, for the reader to refuse."""
    known: dict[str, Mapping[str, Any]] = {}
    for other in others:
        _collect(other, "", known)
    return _Inlining(known).made(document, "", own=True) if known else document


def _collect(schema: Any, namespace: str, known: dict[str, Mapping[str, Any]]) -> None:
    """Every named type in a schema, under its full name and with full names inside."""
    if isinstance(schema, list):
        for branch in schema:
            _collect(branch, namespace, known)
    elif isinstance(schema, Mapping):
        if schema.get("type") in _NAMED and isinstance(schema.get("name"), str):
            name = full_name(schema["name"], schema.get("namespace", namespace))
            namespace = name.rpartition(".")[0]
            known.setdefault(name, {**schema, "name": name.rpartition(".")[2], "namespace": namespace})
        for part in _parts(schema):
            _collect(part, namespace, known)


def _parts(schema: Mapping[str, Any]) -> list[Any]:
    fields = schema.get("fields")
    inner = [field.get("type") for field in fields if isinstance(field, Mapping)] if isinstance(fields, list) else []
    return [*inner, *(schema[word] for word in ("type", "items", "values") if word in schema)]


class _Inlining:
    """Goes in the order of the text, as names are defined before they are used."""

    def __init__(self, known: Mapping[str, Mapping[str, Any]]) -> None:
        self._known = known
        self._defined: set[str] = set()

    def made(self, schema: Any, namespace: str, own: bool) -> Any:
        """`own`: it stands in the document itself, where a second definition is a mistake that has to stay one."""
        if isinstance(schema, str):
            return self._name(schema, namespace)
        if isinstance(schema, list):
            return [self.made(branch, namespace, own) for branch in schema]
        if not isinstance(schema, Mapping):
            return schema
        kind = schema.get("type")
        if kind in _NAMED and isinstance(schema.get("name"), str):
            return self._definition(schema, namespace, own)
        words = ("type", "items", "values")
        return {name: self.made(part, namespace, own) if name in words else part for name, part in schema.items()}

    def _name(self, name: str, namespace: str) -> Any:
        full = full_name(name, namespace)
        if name in PRIMITIVES or full in self._defined or full not in self._known:
            return name
        return self._definition(self._known[full], "", own=False)

    def _definition(self, schema: Mapping[str, Any], namespace: str, own: bool) -> Any:
        name = full_name(schema["name"], schema.get("namespace", namespace))
        if name in self._defined and not own:
            return name
        self._defined.add(name)
        inner = name.rpartition(".")[0]
        made = dict(schema)
        if isinstance(schema.get("fields"), list):
            made["fields"] = [
                {**field, "type": self.made(field["type"], inner, own)}
                if isinstance(field, Mapping) and "type" in field
                else field
                for field in schema["fields"]
            ]
        return made
