"""Any schema of an OpenAPI document as one self-contained JSON Schema 2020-12, for one direction of travel.

OpenAPI 3.0 (4.7.24) differs from JSON Schema in `nullable`, in boolean `exclusiveMinimum` and in ignoring what stands
beside `$ref`; both versions say that a required `readOnly` property is required in answers only, and a `writeOnly` one
in requests only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from interlock.contracts import pointer
from interlock.contracts.document_schema import MANY, NAMED, ONE, ONE_MORE
from interlock.contracts.local_reference import followed, target

Direction = Literal["request", "response", "both"]
"""`both`: required only where it is required in either direction, as one class for both needs it."""

# Words of OpenAPI that say nothing about validity.
_SILENT = frozenset({"nullable", "xml", "externalDocs", "example", "deprecated"})
_HIDDEN: dict[str, tuple[str, ...]] = {
    "request": ("readOnly",),
    "response": ("writeOnly",),
    "both": ("readOnly", "writeOnly"),
}
_INT32 = 2**31


def bundled(document: Mapping[str, Any], schema: Any, direction: Direction) -> Any:
    """The schema with everything that it refers to under `$defs`. Raises ReferenceInvalid."""
    bundle = _Bundle(document, direction)
    made = bundle.converted(schema)
    bundle.complete()
    if bundle.definitions and isinstance(made, dict):
        made["$defs"] = bundle.definitions
    return made


class _Bundle:
    """References are followed from a list, not by recursion: a chain of them may be long."""

    def __init__(self, document: Mapping[str, Any], direction: Direction) -> None:
        self._document = document
        self._direction = direction
        self._hidden = _HIDDEN[direction]
        self._is_old = str(document.get("openapi", "")).startswith("3.0")
        self._names: dict[str, str] = {}
        self._open: list[tuple[str, Any]] = []
        self.definitions: dict[str, Any] = {}

    def complete(self) -> None:
        while self._open:
            name, schema = self._open.pop()
            self.definitions[name] = self.converted(schema)

    def converted(self, schema: Any) -> Any:
        if not isinstance(schema, Mapping):
            return schema
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            return self._own(schema)
        place = {"$ref": f"#/$defs/{self._name(reference)}"}
        if self._is_old:
            return place
        return {**self._own({name: value for name, value in schema.items() if name != "$ref"}), **place}

    def _name(self, reference: str) -> str:
        if reference not in self._names:
            followed(self._document, {"$ref": reference})  # refuses a circle that consumes nothing
            _, value = target(self._document, reference)
            stem = re.sub(r"[^A-Za-z0-9_]", "_", reference.rpartition("/")[2]) or "root"
            name, number = stem, 2
            while name in self._names.values():
                name, number = f"{stem}_{number}", number + 1
            self._names[reference] = name
            self._open.append((name, value))
        return self._names[reference]

    def _own(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        made = {name: self._member(name, value) for name, value in schema.items() if name not in _SILENT}
        if isinstance(made.get("required"), list):
            made["required"] = self._required(schema)
        if isinstance(made.get("discriminator"), Mapping):
            made["discriminator"] = self._discriminator(made["discriminator"])
            if self._direction != "both":
                _tell_apart(made)
        if schema.get("format") == "int32":
            made.setdefault("minimum", -_INT32)
            made.setdefault("maximum", _INT32 - 1)
        if "example" in schema and "examples" not in made:
            made["examples"] = [schema["example"]]
        return _modern(made, schema) if self._is_old else made

    def _discriminator(self, written: Mapping[str, Any]) -> dict[str, Any]:
        """With every mapped value pointing into the bundle; a bare name is one of the schema components."""
        mapped = {}
        for value, to in (written.get("mapping") or {}).items():
            reference = to if to.startswith("#") else f"#/components/schemas/{to}"
            mapped[value] = f"#/$defs/{self._name(reference)}"
        return {**written, "mapping": mapped}

    def _member(self, name: str, value: Any) -> Any:
        if name in ONE or name in ONE_MORE:
            return self.converted(value)
        if name in MANY and isinstance(value, list):
            return [self.converted(part) for part in value]
        if name in NAMED and isinstance(value, Mapping):
            return {key: self.converted(part) for key, part in value.items()}
        return value

    def _required(self, schema: Mapping[str, Any]) -> list[str]:
        properties = schema.get("properties", {})
        return [name for name in schema["required"] if not self._is_hidden(properties, name)]

    def _is_hidden(self, properties: Any, name: str) -> bool:
        found = properties.get(name) if isinstance(properties, Mapping) else None
        _, found = followed(self._document, found)
        return isinstance(found, Mapping) and any(found.get(word) is True for word in self._hidden)


def _tell_apart(made: dict[str, Any]) -> None:
    """Alternatives with a discriminator hold for its own values only, which open objects would not say by themselves.

    OpenAPI (3.1, 4.8.25) has the discriminator's field required in every alternative, and its value a mapped one or the
    schema's own name.
    """
    name, mapped = made["discriminator"].get("propertyName"), made["discriminator"]["mapping"]
    for word in ("oneOf", "anyOf"):
        parts = made.get(word) or ()
        if not all(isinstance(part, Mapping) and "$ref" in part for part in parts):
            continue
        for at, part in enumerate(parts):
            values = [value for value, to in mapped.items() if to == part["$ref"]]
            values = values or [part["$ref"].rpartition("/")[2]]
            telling = {"type": "object", "required": [name], "properties": {name: {"enum": values}}}
            made[word][at] = {"allOf": [telling, part]}


def _modern(made: dict[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """What OpenAPI 3.0 says in its own words."""
    for flag, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(made.get(flag), bool) and made.pop(flag) and bound in made:
            made[flag] = made.pop(bound)
    if schema.get("nullable") is True and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
        if "enum" in made and None not in made["enum"]:
            made["enum"] = [*made["enum"], None]
    return made


def resolved(root: Any, schema: Any) -> Any:
    """What a schema of a bundle stands for, one or more references on."""
    hops = 0
    while isinstance(schema, Mapping) and isinstance(schema.get("$ref"), str) and hops < 64:
        schema = pointer.find(root, pointer.split(schema["$ref"][1:]))
        hops += 1
    return schema
