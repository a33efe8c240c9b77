"""Values of parameters from the texts that carry them (OpenAPI 3.1, 4.8.12.2 to 4.8.12.4 'Style Values')."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from interlock.contracts.api.description import Parameter
from interlock.contracts.api.schema_bundle import resolved

ABSENT: Any = object()
_INTEGER = re.compile(r"-?\d{1,18}")
_NUMBER = re.compile(r"-?\d{1,18}(\.\d{1,18})?([eE][+-]?\d{1,3})?")
_SEPARATORS = {"spaceDelimited": " ", "pipeDelimited": "|"}

Pairs = Sequence[tuple[str, str]]


def value_of(parameter: Parameter, root: Any, texts: Pairs) -> Any:
    """The value, typed as its schema asks, or ABSENT. `texts` are the pairs of the parameter's location, decoded.

    `root` is the bundled schema. Texts that do not fit their type stay texts: the validator says what is wrong.
    """
    name = parameter.name.lower() if parameter.location == "header" else parameter.name
    found = [text for other, text in texts if other == name]
    if parameter.media is not None:
        return _json(found[0]) if found else ABSENT
    kinds = kinds_of(root, root)
    if "object" in kinds and not kinds & {"string", "array"}:
        return _object(parameter, root, found, texts)
    if not found:
        return ABSENT
    if "array" in kinds and "string" not in kinds:
        items = _items(root)
        return [typed(part, items, root) for part in _parts(parameter, found)]
    return typed(_bare(parameter, found[0]), root, root)


def kinds_of(schema: Any, root: Any, depth: int = 0) -> set[str]:
    """The JSON types that a schema can mean, also through references and combinators."""
    schema = resolved(root, schema)
    if not isinstance(schema, Mapping) or depth > 8:
        return set()
    stated = schema.get("type")
    kinds = set(stated) if isinstance(stated, list) else {stated} if isinstance(stated, str) else set()
    for word in ("allOf", "anyOf", "oneOf"):
        for part in schema.get(word) or ():
            kinds |= kinds_of(part, root, depth + 1)
    if not kinds and "properties" in schema:
        kinds = {"object"}
    return kinds


def typed(text: str, schema: Any, root: Any) -> Any:
    kinds = kinds_of(schema, root)
    if "integer" in kinds and _INTEGER.fullmatch(text):
        return int(text)
    if "number" in kinds and _NUMBER.fullmatch(text):
        return float(text) if set(text) & set(".eE") else int(text)
    if "boolean" in kinds and text in ("true", "false"):
        return text == "true"
    if "null" in kinds and text == "":
        return None
    return text


def _items(root: Any) -> Any:
    found = resolved(root, root)
    return found.get("items", {}) if isinstance(found, Mapping) else {}


def _bare(parameter: Parameter, text: str) -> str:
    """Without the marks of the styles label and matrix."""
    if parameter.style == "label":
        return text.removeprefix(".")
    if parameter.style == "matrix":
        return text.removeprefix(";").removeprefix(parameter.name).removeprefix("=")
    return text


def _parts(parameter: Parameter, found: list[str]) -> list[str]:
    if parameter.style == "form" and parameter.explode:
        return found
    text = _bare(parameter, found[0])
    if parameter.style == "label" and parameter.explode:
        return text.split(".")
    if parameter.style == "matrix" and parameter.explode:
        return [part.partition("=")[2] for part in found[0].removeprefix(";").split(";")]
    if parameter.style in _SEPARATORS and parameter.explode and len(found) > 1:
        return found
    return [part.strip() for part in text.split(_SEPARATORS.get(parameter.style, ","))] if text else []


def _object(parameter: Parameter, root: Any, found: list[str], texts: Pairs) -> Any:
    """An object spreads over several pairs, or stands in one text."""
    schema = resolved(root, root)
    properties = schema.get("properties", {}) if isinstance(schema, Mapping) else {}
    if parameter.style == "deepObject":
        mark = re.compile(re.escape(parameter.name) + r"\[([^\]]*)\]")
        pairs = [(match[1], text) for name, text in texts if (match := mark.fullmatch(name))]
    elif parameter.style == "form" and parameter.explode:
        pairs = [(name, text) for name, text in texts if name in properties]
    elif not found:
        pairs = []
    elif parameter.explode:
        pairs = [(one.partition("=")[0], one.partition("=")[2]) for one in found[0].split(",")]
    else:
        words = found[0].split(",")
        pairs = list(zip(words[::2], words[1::2], strict=False))
    if not pairs:
        return ABSENT
    return {name: typed(text, properties.get(name, {}), root) for name, text in pairs}


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
