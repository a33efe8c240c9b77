"""A compiled JSON Schema 2020-12 that says of each wrong place where it is and what is wrong, never quoting values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs

from interlock.contracts import pointer

# Beyond these, two parsers may read two numbers: RFC 7493 section 2.2.
SAFE_INTEGER = 2**53 - 1
# 28 digits, the precision of Python's decimal context, with sign and point. Exponents are refused, so that
# every consumer can compare the text.
DECIMAL_PATTERN = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$"
DECIMAL_LENGTH = 30
# RFC 3339 has leap seconds and a year 0, most date libraries have neither: better refused here than in a handler.
MOMENT_PATTERN = r"^0*[1-9].*:[0-5][0-9][.Zz+-]"
MAX_ENTRIES = 100
# Keywords whose value is one schema, a list of schemas, a mapping to schemas (JSON Schema 2020-12 core, section 10).
ONE = ("additionalProperties", "unevaluatedProperties", "propertyNames", "items", "unevaluatedItems", "contains", "not")
ONE_MORE = ("if", "then", "else")
MANY = ("allOf", "anyOf", "oneOf", "prefixItems")
NAMED = ("properties", "patternProperties", "$defs", "dependentSchemas")

Entry = dict[str, str]


class SchemaInvalid(Exception):
    """The schema itself is wrong. `pointer` is where, inside the schema."""

    def __init__(self, where: str, detail: str) -> None:
        super().__init__(detail)
        self.pointer = where
        self.detail = detail


class SharedSchemas:
    """The schemas of one document that many of its parts refer to (`#/…`): read once, not once for each part."""

    __slots__ = ("registry",)
    URI = "urn:interlock:document"

    def __init__(self, document: Mapping[str, Any]) -> None:
        """Raises SchemaInvalid."""
        try:
            draft = jsonschema_rs.Draft202012
            self.registry = jsonschema_rs.Registry([(self.URI, bounded(document))], draft=draft)
        except (ValueError, TypeError) as error:
            raise SchemaInvalid("", str(error)) from None

    def pointed_at(self, schema: Any) -> Any:
        """A copy whose references mean this document, wherever it stands."""
        if isinstance(schema, list):
            return [self.pointed_at(part) for part in schema]
        if not isinstance(schema, Mapping):
            return schema
        return {
            name: self.URI + value if name == "$ref" and isinstance(value, str) else self.pointed_at(value)
            for name, value in schema.items()
        }


class DocumentSchema:
    """Compiled once, at load; thread-safe; never fetches a reference.

    On top of the schema as written: `integer` stays within ±(2^53-1), `number` too unless it states own bounds,
    `"format": "decimal"` is a plain decimal of at most 28 digits, `date-time` has no leap second and no year 0. Formats
    are asserted. Regular expressions run in linear time, so look-around and back-references are refused at compile.
    """

    __slots__ = ("_validator", "is_valid")

    def __init__(self, schema: Mapping[str, Any], shared: SharedSchemas | None = None) -> None:
        """With `shared`, references mean that document, else the schema itself."""
        try:
            own = bounded(schema)
            self._validator = jsonschema_rs.Draft202012Validator(
                shared.pointed_at(own) if shared else own,
                registry=shared.registry if shared else None,
                validate_formats=True,
                pattern_options=jsonschema_rs.RegexOptions(),
                offline=True,
                mask="the value",
            )
        except jsonschema_rs.ValidationError as error:
            raise SchemaInvalid(pointer.join(error.instance_path), error.message) from None
        except (ValueError, TypeError) as error:
            raise SchemaInvalid("", str(error)) from None
        self.is_valid = self._validator.is_valid

    def errors(self, document: Any) -> list[Entry]:
        """Each wrong place once, by pointer, at most 100. An undeclared or missing field has its own pointer."""
        found: list[Entry] = []
        for error in self._validator.iter_errors(document):
            found.extend(_entries(error))
            if len(found) >= MAX_ENTRIES:
                break
        unique = {(entry["pointer"], entry["detail"]): entry for entry in found[:MAX_ENTRIES]}
        return [unique[place] for place in sorted(unique)]


def _entries(error: jsonschema_rs.ValidationError) -> Iterator[Entry]:
    kind = error.kind.as_dict()
    place = list(error.instance_path)
    match error.kind.name:
        case "additionalProperties" | "unevaluatedProperties":
            for name in kind["unexpected"]:
                yield {"pointer": pointer.join([*place, name]), "detail": "is not declared by the contract"}
        case "required":
            yield {"pointer": pointer.join([*place, kind["property"]]), "detail": "is required and missing"}
        case "anyOf" | "oneOf" if kind.get("context"):
            yield from _closest(kind["context"], place)
        case _:
            yield {"pointer": pointer.join(place), "detail": error.message}


def _closest(branches: list[list[jsonschema_rs.ValidationError]], place: list[str | int]) -> Iterator[Entry]:
    """Of alternatives that all failed, the closest one explains most: it failed deepest, in the fewest places."""
    if not all(branches):  # of oneOf, several that hold: none is closer than the others
        yield {"pointer": pointer.join(place), "detail": "matches more than one of the alternatives"}
        return
    best = max(branches, key=lambda errors: (max(len(one.instance_path) for one in errors), -len(errors)))
    if all(len(one.instance_path) <= len(place) and one.kind.name == "type" for one in best):
        yield {"pointer": pointer.join(place), "detail": "matches none of the alternatives"}
        return
    for error in best:
        yield from _entries(error)


def bounded(schema: Any) -> Any:
    """A copy in which every number is bounded and every `decimal` has its pattern."""
    if not isinstance(schema, Mapping):
        return schema
    copy = {name: _bounded_member(name, value) for name, value in schema.items()}
    kinds = copy.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if "integer" in kinds:
        copy["minimum"] = max(copy.get("minimum", -SAFE_INTEGER), -SAFE_INTEGER)
        copy["maximum"] = min(copy.get("maximum", SAFE_INTEGER), SAFE_INTEGER)
    elif "number" in kinds:
        if not {"minimum", "exclusiveMinimum"} & copy.keys():
            copy["minimum"] = -SAFE_INTEGER
        if not {"maximum", "exclusiveMaximum"} & copy.keys():
            copy["maximum"] = SAFE_INTEGER
    if copy.get("format") == "decimal":
        copy["allOf"] = [*copy.get("allOf", []), {"pattern": DECIMAL_PATTERN}]
        copy["maxLength"] = min(copy.get("maxLength", DECIMAL_LENGTH), DECIMAL_LENGTH)
        del copy["format"]
    elif copy.get("format") == "date-time":
        copy["allOf"] = [*copy.get("allOf", []), {"pattern": MOMENT_PATTERN}]
    return copy


def _bounded_member(name: str, value: Any) -> Any:
    if name in ONE or name in ONE_MORE:
        return bounded(value)
    if name in MANY and isinstance(value, list):
        return [bounded(part) for part in value]
    if name in NAMED and isinstance(value, Mapping):
        return {key: bounded(part) for key, part in value.items()}
    if name == "components" and isinstance(value, Mapping) and isinstance(value.get("schemas"), Mapping):
        return {**value, "schemas": {key: bounded(part) for key, part in value["schemas"].items()}}
    return value
