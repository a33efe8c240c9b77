"""An OpenAPI 3.0 document as one of 3.1: the same requests and answers, in the words of JSON Schema 2020-12.

Where 3.0.3 leaves a doubt (`nullable` without `type`, and beside `enum`), what authors mean by it is said out loud.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from interlock.contracts import pointer
from interlock.contracts.document_schema import NAMED
from interlock.contracts.importing.note import Notes
from interlock.contracts.importing.openapi_objects import parts

VERSION = "3.1.1"
_BOUNDS = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}
_BESIDE_REF = frozenset({"$ref", "description", "summary", "title"})
_INNER_ONE = ("items", "additionalProperties", "not")
_INNER_MANY = ("allOf", "anyOf", "oneOf")


def upgraded(document: Mapping[str, Any], notes: Notes) -> dict[str, Any]:
    """A copy; of a 3.1 document the same content."""
    made: dict[str, Any] = copy.deepcopy(dict(document))
    if str(made.get("openapi", "")).startswith("3.1"):
        return made
    made["openapi"] = VERSION
    for _, schema, place in list(parts(made, "schema")):
        _schema(schema, place, notes)
    for kind in ("response", "parameter", "body"):
        for _, part, place in list(parts(made, kind)):
            _reference(part, place, notes, also=frozenset())
    return made


def _schema(root: dict[str, Any], place: str, notes: Notes) -> None:
    """In place, and all within; by a list, since schemas may nest deep."""
    stack = [(root, place)]
    while stack:
        schema, where = stack.pop()
        if "$ref" in schema:
            _reference(schema, where, notes, also=frozenset({"x-"}))
            continue
        for word in _INNER_ONE:
            if isinstance(schema.get(word), dict):
                stack.append((schema[word], f"{where}/{word}"))
        for word in _INNER_MANY:
            several = schema.get(word)
            if isinstance(several, list):
                stack.extend(
                    (part, f"{where}/{word}/{at}") for at, part in enumerate(several) if isinstance(part, dict)
                )
        for word in NAMED:
            named = schema.get(word)
            if isinstance(named, dict):
                stack.extend(
                    (part, f"{where}/{word}{pointer.join([name])}")
                    for name, part in named.items()
                    if isinstance(part, dict)
                )
        _own(schema, where, notes)


def _own(schema: dict[str, Any], where: str, notes: Notes) -> None:
    for flag, bound in _BOUNDS.items():
        if isinstance(schema.get(flag), bool) and schema.pop(flag) and bound in schema:
            schema[flag] = schema.pop(bound)
    if "example" in schema:
        schema["examples"] = [schema.pop("example")]
    if schema.get("format") == "byte":
        del schema["format"]
        schema["contentEncoding"] = "base64"
    if schema.pop("nullable", False) is True:
        _nullable(schema, where, notes)


def _nullable(schema: dict[str, Any], where: str, notes: Notes) -> None:
    if isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
        if isinstance(schema.get("enum"), list) and None not in schema["enum"]:
            schema["enum"] = [*schema["enum"], None]
            notes.add(
                where, "changed", "null was added to the enum.",
                "It is nullable, which 3.0.3 takes back where the enum does not list null; authors mean null all the "
                "same.", "Take null out of the enum if it must not be sent.",
            )  # fmt: skip
        return
    combined = {word: schema.pop(word) for word in _INNER_MANY if word in schema}
    if not combined:
        return  # without a type, anything may be null already
    alone = combined["allOf"][0] if combined.keys() == {"allOf"} and len(combined["allOf"]) == 1 else combined
    schema["anyOf"] = [alone, {"type": "null"}]
    notes.add(
        where, "changed", "nullable without a type became an alternative that is null.",
        "3.0.3 gives it no meaning there; authors mean null by it.", "Take the alternative out if null is never sent.",
    )  # fmt: skip


def _reference(part: dict[str, Any], where: str, notes: Notes, also: frozenset[str]) -> None:
    """In 3.0 what stands beside $ref says nothing; in 3.1 schemas it would."""
    if "$ref" not in part:
        return
    silent = sorted(name for name in part if name not in _BESIDE_REF and not (also and name.startswith("x-")))
    for name in silent:
        del part[name]
    if silent:
        notes.add(
            where, "changed", f"Left out beside $ref: {', '.join(silent)}.",
            "In OpenAPI 3.0 they say nothing there; in 3.1 they would begin to.",
            "If they were meant, add them to the contract as a next version.",
        )  # fmt: skip
