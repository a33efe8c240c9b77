"""One OpenAPI 3.0 or 3.1 document: checked for what a comparison rests on, its references followed, its parts named.

Real documents are odd in harmless ways (sections that are missing, numbers as keys, dates, garbage in examples): those
are read as they are meant. References that lead nowhere, out of the document or round in a circle are refused at once,
wherever they stand, because a comparison that skips them would call a broken contract compatible.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, time
from typing import Any

import orjson

from interlock.contracts import pointer
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.local_reference import ReferenceInvalid, followed, target
from interlock.contracts.openapi.place import Place, deeper, read

_REFERENCE = re.compile(rb'"(#/[^"\\]*(?:\\.[^"\\]*)*)"')
_ANY_REFERENCE = re.compile(rb'"\$ref":"((?:[^"\\]|\\.)*)"')
# Their values are data: a `$ref` in them refers to nothing.
_DATA = frozenset({"example", "examples", "default", "enum", "const", "value"})
_MAX_INTEGER = 2**63


class ApiDocument:
    """Raises ContractInvalid, whose pointer says where, for what is no OpenAPI 3.0 or 3.1."""

    def __init__(self, root: Any) -> None:
        self.root: Mapping[str, Any] = _plain(root)
        version = str(self.root.get("openapi", "")) if isinstance(self.root, Mapping) else ""
        if not version.startswith(("3.0", "3.1")):
            raise ContractInvalid("/openapi", f"The document is no OpenAPI 3.0 or 3.1 (found: {_found(self.root)}).")
        self.is_30 = version.startswith("3.0")
        for section in ("paths", "components", "webhooks", "info"):
            if not isinstance(self.root.get(section) or {}, Mapping):
                raise ContractInvalid(f"/{section}", f"{section} is no object.")
        self.references = self._references()
        self._targets: dict[str, tuple[Any, Place]] = {}
        self._heirs: dict[int, list[tuple[str, Any, Place]]] | None = None

    def follow(self, value: Any, place: Place) -> tuple[Any, Place]:
        """What stands there after all references, and where that is."""
        while isinstance(value, dict) and isinstance(value.get("$ref"), str):
            reference = value["$ref"]
            known = self._targets.get(reference)
            if known is None:
                known = self._targets[reference] = self._followed(value, place)
            value, place = known
        return value, place

    def section(self, *tokens: str) -> Mapping[str, Any]:
        """A mapping of the document by its pointer; empty where there is none."""
        found = pointer.find(self.root, tokens)
        return found if isinstance(found, Mapping) else {}

    def heirs(self, schema: Any) -> list[tuple[str, Any, Place]]:
        """The schema components that build on this schema by a reference in their allOf: name, schema, place."""
        if self._heirs is None:
            self._heirs = {}
            for name, one in self.section("components", "schemas").items():
                branches = one.get("allOf") if isinstance(one, dict) else None
                place = deeper((), "components", "schemas", name)
                for branch in branches if isinstance(branches, list) else ():
                    if isinstance(branch, dict) and isinstance(branch.get("$ref"), str):
                        base, _ = self.follow(branch, place)
                        self._heirs.setdefault(id(base), []).append((name, one, place))
        return self._heirs.get(id(schema), [])

    def _followed(self, value: Any, place: Place) -> tuple[Any, Place]:
        try:
            at, found = followed(self.root, value)
        except ReferenceInvalid as error:
            raise ContractInvalid(read(place), error.detail) from None
        return found, deeper((), *pointer.split(at))

    def _references(self) -> frozenset[str]:
        """Every local reference, what could be one in a mapping, and every schema component; each leads somewhere."""
        content = dumped(self.root)
        texts = {_text(found) for found in _ANY_REFERENCE.findall(content)}
        wrong = {text for text in texts if not self._leads(text)}
        if wrong:
            for place, text in _written(self.root):
                if text in wrong:
                    try:
                        followed(self.root, {"$ref": text})
                    except ReferenceInvalid as error:
                        raise ContractInvalid(place, error.detail) from None
        named = {f"#{pointer.join(('components', 'schemas', name))}" for name in self.section("components", "schemas")}
        return frozenset(texts - wrong) | named | {text for text in referred(content) if self._leads(text)}

    def _leads(self, text: str) -> bool:
        try:
            followed(self.root, {"$ref": text})
        except ReferenceInvalid:
            return False
        return True

    def part(self, reference: str) -> Any:
        """The value that a reference of `references` means, one hop."""
        return target(self.root, reference)[1]


def dumped(value: Any) -> bytes:
    """Equal bytes, equal meaning. Raises ContractInvalid for what is nested too deeply."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except (TypeError, ValueError, RecursionError) as error:
        raise ContractInvalid("", f"The document cannot be read: {error}.") from None


def referred(content: bytes) -> set[str]:
    """Every text in dumped bytes that could be a local reference; a mapping of a discriminator is one too."""
    return {_text(found) for found in _REFERENCE.findall(content)}


def _text(found: bytes) -> str:
    return str(orjson.loads(b'"' + found + b'"')) if b"\\" in found else found.decode()


def _found(root: Any) -> str:
    if not isinstance(root, Mapping):
        return "no object"
    return "Swagger 2.0" if "swagger" in root else str(root.get("openapi", "none"))


def _plain(root: Any) -> Any:
    """As JSON has it. A YAML reader may have made dates of texts and numbers of keys."""
    try:
        orjson.dumps(root)
    except (TypeError, ValueError, RecursionError):
        return _as_json(root, 0)
    return root


def _as_json(value: Any, depth: int) -> Any:
    if depth > 250:
        raise ContractInvalid("", "The document is nested more than 250 levels deep.")
    if isinstance(value, Mapping):
        return {_key(key): _as_json(part, depth + 1) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(part, depth + 1) for part in value]
    if isinstance(value, date | time):  # a datetime is a date
        return value.isoformat()
    if isinstance(value, int) and not -_MAX_INTEGER <= value < 2 * _MAX_INTEGER:
        return float(value)
    if value is None or isinstance(value, str | int | float):
        return value
    raise ContractInvalid("", f"The document holds a {type(value).__name__}, for which JSON has no word.")


def _key(key: Any) -> str:
    return key if isinstance(key, str) else orjson.dumps(key, default=str).decode().strip('"')


def _written(root: Any) -> Iterator[tuple[str, str]]:
    """Each reference with the pointer of where it stands."""
    stack: list[tuple[Any, Place]] = [(root, ())]
    while stack:
        value, place = stack.pop()
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                yield read(place), value["$ref"]
            inside = [(part, (place, name)) for name, part in value.items() if not _is_data(name, place)]
        else:
            inside = [(part, (place, str(at))) for at, part in enumerate(value)]
        stack.extend(one for one in inside if isinstance(one[0], dict | list))


def _is_data(name: str, place: Place) -> bool:
    named = len(place) == 2 and place[1] in ("properties", "schemas", "patternProperties", "$defs", "parameters")
    return (name in _DATA or name.startswith("x-")) and not named
