"""One schema of any draft, wherever it stands in its document, as a schema of 2020-12 that needs nothing around it.

What changed between the drafts: `definitions` and `id` (draft 4 and 6 core), boolean `exclusiveMinimum` (draft 4),
siblings of `$ref` (until draft 7, core 8.3, they say nothing), `dependencies` (2019-09, validation appendix), `items`
as a list and `$recursiveRef` (2020-12, release notes). References are followed and point into the schema itself
afterwards, so identities of parts (`$id`) are not needed any more, and would only move the base of its references.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from interlock.contracts import pointer
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.document_schema import MANY, NAMED, ONE, ONE_MORE
from interlock.contracts.importing.note import Notes
from interlock.contracts.json_schema.dialect import REF_ALONE
from interlock.contracts.json_schema.schema_document import SchemaDocument
from interlock.contracts.vocabulary import JSON_SCHEMA

DIALECT = "https://json-schema.org/draft/2020-12/schema"
# Beside a `$ref` these say nothing about documents, so they may stay where siblings begin to count.
_ANNOTATIONS = frozenset({"title", "description", "$comment"})
_IDENTITIES = frozenset({"$schema", "$id", "id", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$vocabulary"})
_SAYS_NOTHING = _ANNOTATIONS | _IDENTITIES
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_BOUNDS = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}
_NAMES = re.compile(r"[^A-Za-z0-9_.-]+")


class SchemaUpgrade:
    """Of one document; each call makes one schema of it."""

    def __init__(self, document: SchemaDocument, notes: Notes) -> None:
        self._document = document
        self._notes = notes
        self._dialect = document.dialect

    def of(self, schema: Any, source: str) -> dict[str, Any]:
        """`source` is where it stands, for the notes. Raises ContractInvalid for a reference that leads nowhere."""
        self._places: dict[int, str] = {}
        self._open: list[tuple[dict[str, Any], Any, str]] = []
        self._definitions: dict[str, Any] = {}
        schema = self._start(schema, source)
        made = self._converted(schema, source, "")
        if not isinstance(made, dict):
            made = {} if made else {"not": {}}
        own = made.get("$defs", {})
        self._close(set(own))
        if self._definitions:
            made["$defs"] = {**own, **self._definitions}
        return {"$schema": DIALECT, **made}

    def _start(self, schema: Any, source: str) -> Any:
        """What a bare reference refers to is the schema itself."""
        while isinstance(schema, dict) and "$ref" in schema and not set(self._beside(schema, source)) - _SAYS_NOTHING:
            schema = self._target(schema, schema["$ref"], source)
        return schema

    def _close(self, taken: set[str]) -> None:
        """Every reference, and what it refers to outside the schema, and what that refers to, and so on."""
        at = 0
        while at < len(self._open):
            made, target, source = self._open[at]
            if id(target) not in self._places:
                name = _free(_NAMES.sub("_", made["$ref"].rpartition("/")[2].lstrip("#")) or "part", taken)
                self._definitions[name] = self._converted(target, source, f"/$defs/{name}")
                self._places.setdefault(id(target), f"/$defs/{name}")
            at += 1
        for made, target, _ in self._open:
            made["$ref"] = "#" + quote(self._places[id(target)], safe="/~$")

    def _converted(self, schema: Any, source: str, place: str) -> Any:
        if not isinstance(schema, dict):
            return schema
        self._places.setdefault(id(schema), place)
        word = next((name for name in _REFERENCES if name in schema), None)
        if word is None:
            return self._own(schema, source, place)
        reference = schema[word]
        if word != "$ref":
            self._make_static(word, reference, source)
        target = self._target(schema, reference, source)
        if isinstance(target, bool):
            return self._own({"allOf": [target]}, source, place)
        made = {"$ref": reference, **self._own(self._beside(schema, source), source, place)}
        self._open.append((made, target, source))
        return made

    def _make_static(self, word: str, reference: Any, source: str) -> None:
        """With one anchor of that name there is one schema that it can mean; with several, the way to it says which."""
        anchor = "$recursiveAnchor" if word == "$recursiveRef" else "$dynamicAnchor"
        named = True if word == "$recursiveRef" else str(reference).rpartition("#")[2]
        if sum(named == found for found in _members(self._document.root, anchor)) > 1:
            raise ContractInvalid(
                f"{source}/{word}", f"{reference} means another schema on each way to it; write the schemas out."
            )
        self._notes.add(
            source, "changed", f"{word} became $ref.", "There is one schema only that it can mean.", "Nothing to do."
        )

    def _target(self, schema: dict[str, Any], reference: Any, source: str) -> Any:
        try:
            seen: set[int] = set()
            found = self._document.target(schema, reference)
            while isinstance(found, dict) and "$ref" in found and len(found) == 1 and id(found) not in seen:
                seen.add(id(found))
                found = self._document.target(found, found["$ref"])
        except ContractInvalid as error:
            raise ContractInvalid(f"{source}/$ref", error.detail) from None
        if id(found) in seen:
            raise ContractInvalid(f"{source}/$ref", f"{reference} refers to itself and to nothing else.")
        return found

    def _beside(self, schema: dict[str, Any], source: str) -> dict[str, Any]:
        beside = {name: value for name, value in schema.items() if name not in _REFERENCES}
        if self._dialect not in REF_ALONE:
            return beside
        silent = sorted(name for name in beside if name not in _SAYS_NOTHING and not name.startswith("x-"))
        if silent:
            self._notes.add(
                source, "changed", f"Left out beside $ref: {', '.join(silent)}.",
                f"In draft {self._dialect} they say nothing there; in 2020-12 they would begin to.",
                "If they were meant, add them to the contract as a next version.",
            )  # fmt: skip
        return {name: value for name, value in beside.items() if name not in silent}

    def _own(self, schema: Mapping[str, Any], source: str, place: str) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for name, value in schema.items():
            if name in _IDENTITIES:
                continue
            at, there = f"{source}/{_token(name)}", f"{place}/{_token(name)}"
            if name in ONE or name in ONE_MORE:
                if name != "items" or not isinstance(value, list):
                    made[name] = self._converted(value, at, there)
            elif name in MANY and isinstance(value, list):
                made[name] = [self._converted(part, f"{at}/{n}", f"{there}/{n}") for n, part in enumerate(value)]
            elif name in (*NAMED, "definitions") and isinstance(value, Mapping):
                self._named(made, "$defs" if name == "definitions" else name, value, at, place)
            elif name == "dependencies" and isinstance(value, Mapping):
                self._dependencies(made, value, at, place)
            elif name in _BOUNDS and isinstance(value, bool):
                continue
            elif name in JSON_SCHEMA or name.startswith("x-"):
                made[name] = value
            elif name != "additionalItems":
                self._foreign(made, name, value, at)
        self._items(made, schema, source, place)
        for flag, bound in _BOUNDS.items():
            if schema.get(flag) is True and bound in made:
                made[flag] = made.pop(bound)
        return made

    def _named(self, made: dict[str, Any], name: str, parts: Mapping[str, Any], source: str, place: str) -> None:
        group = made.setdefault(name, {})
        for key, part in parts.items():
            if name == "$defs":  # a document may have `definitions` too; and names become references
                key = _free(_NAMES.sub("_", key) or "part", set(group))
            group[key] = self._converted(part, f"{source}/{_token(key)}", f"{place}/{name}/{_token(key)}")

    def _dependencies(self, made: dict[str, Any], value: Mapping[str, Any], source: str, place: str) -> None:
        for key, part in value.items():
            if isinstance(part, list):
                made.setdefault("dependentRequired", {})[key] = part
            else:
                self._named(made, "dependentSchemas", {key: part}, source, place)

    def _items(self, made: dict[str, Any], schema: Mapping[str, Any], source: str, place: str) -> None:
        """A list of items by position is `prefixItems` now, and `additionalItems` are the `items` after it."""
        listed = schema.get("items")
        if not isinstance(listed, list):
            return  # without a list, additionalItems says nothing
        made["prefixItems"] = [
            self._converted(part, f"{source}/items/{n}", f"{place}/prefixItems/{n}") for n, part in enumerate(listed)
        ]
        if "additionalItems" in schema:
            made["items"] = self._converted(schema["additionalItems"], f"{source}/additionalItems", f"{place}/items")

    def _foreign(self, made: dict[str, Any], name: str, value: Any, source: str) -> None:
        if name == "example":
            made["examples"] = [*made.get("examples", []), value]
            return
        made[f"x-{name.lstrip('$')}"] = value
        self._notes.add(
            source, "kept", f"{name} became x-{name.lstrip('$')}.",
            "It is no keyword of JSON Schema: no validator asserts it.",
            "Say it in a keyword that is one, if it matters.",
        )  # fmt: skip


def _members(value: Any, name: str) -> Iterator[Any]:
    """What stands under that name, anywhere."""
    stack = [value]
    while stack:
        one = stack.pop()
        if isinstance(one, dict):
            if name in one:
                yield one[name]
            stack.extend(one.values())
        elif isinstance(one, list):
            stack.extend(one)


def _token(name: str) -> str:
    return pointer.join([name])[1:]


def _free(name: str, taken: set[str]) -> str:
    number, made = 2, name
    while made in taken:
        made, number = f"{name}_{number}", number + 1
    taken.add(made)
    return made
