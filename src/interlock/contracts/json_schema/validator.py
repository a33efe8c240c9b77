"""JSON Schema, compiled as it is written: the judge whom every witness and every generated document has to pass.

Nothing is fetched: references leave the document only for `resources` that the caller hands in. Patterns run on an
engine of linear time; a pattern with look-around or back-references cannot, so a schema that has one runs on an
engine that gives up after BACKTRACK_LIMIT steps (the value then counts as not matching).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jsonschema_rs
from jsonschema_rs import Validator

from interlock.contracts import pointer
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.json_schema.dialect import Dialect, dialect_of

BACKTRACK_LIMIT = 100_000
MAX_DEPTH = 200
_CLASSES: dict[Dialect, Any] = {
    "4": jsonschema_rs.Draft4Validator,
    "6": jsonschema_rs.Draft6Validator,
    "7": jsonschema_rs.Draft7Validator,
    "2019-09": jsonschema_rs.Draft201909Validator,
    "2020-12": jsonschema_rs.Draft202012Validator,
}
_DRAFTS: dict[Dialect, int] = {
    "4": jsonschema_rs.Draft4,
    "6": jsonschema_rs.Draft6,
    "7": jsonschema_rs.Draft7,
    "2019-09": jsonschema_rs.Draft201909,
    "2020-12": jsonschema_rs.Draft202012,
}

__all__ = ["Validator", "compiled", "registry"]


def compiled(
    schema: Any,
    *,
    formats: bool = True,
    resources: Mapping[str, Any] | None = None,
    dialect: Dialect | None = None,
    registry: jsonschema_rs.Registry | None = None,
) -> Validator:
    """Raises ContractInvalid, with the place, for what is no schema, too deep, or refers to what is not there.

    formats    whether `format` is asserted; else it is the annotation that 2020-12 makes of it
    resources  documents by URI that references may mean, meta-schemas of custom dialects among them
    dialect    when the caller knows better than `$schema`
    registry   the same as resources, prepared once for many schemas
    """
    if not isinstance(schema, (dict, bool)):
        raise ContractInvalid("", "A schema is an object or a boolean.")
    refuse_deep(schema)
    build = _builder(schema, resources, dialect)
    options: dict[str, Any] = {"validate_formats": formats, "retriever": _retriever(resources or {})}
    if registry is not None:
        options["registry"] = registry
    try:
        return build(schema, pattern_options=jsonschema_rs.RegexOptions(), **options)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError, TypeError):
        pass  # perhaps only a pattern that needs look-around: the second engine says what is really wrong
    bounded = jsonschema_rs.FancyRegexOptions(backtrack_limit=BACKTRACK_LIMIT)
    try:
        return build(schema, pattern_options=bounded, **options)
    except jsonschema_rs.ValidationError as error:
        raise ContractInvalid(pointer.join(error.instance_path), error.message) from None
    except (jsonschema_rs.ReferencingError, ValueError, TypeError) as error:
        raise ContractInvalid("", str(error)) from None


def _builder(schema: Any, resources: Mapping[str, Any] | None, dialect: Dialect | None) -> Callable[..., Validator]:
    if dialect is not None:
        return _CLASSES[dialect]  # type: ignore[no-any-return]
    named = schema.get("$schema") if isinstance(schema, dict) else None
    if resources and isinstance(named, str) and named.removesuffix("#") in resources:
        return jsonschema_rs.validator_for
    return _CLASSES[dialect_of(schema)]  # type: ignore[no-any-return]


def registry(resources: Mapping[str, Any], dialect: Dialect) -> jsonschema_rs.Registry:
    """Documents by URI that many schemas refer to. Raises ContractInvalid."""
    try:
        return jsonschema_rs.Registry(list(resources.items()), draft=_DRAFTS[dialect], retriever=_retriever({}))
    except (jsonschema_rs.ReferencingError, ValueError, TypeError) as error:
        raise ContractInvalid("", str(error)) from None


def _retriever(resources: Mapping[str, Any]) -> Callable[[str], Any]:
    def given(uri: str) -> Any:
        if uri in resources:
            return resources[uri]
        raise ValueError(f"{uri} leaves the document; references are never fetched.")

    return given


def refuse_deep(schema: Any) -> None:
    """A document nested deeper than MAX_DEPTH would exhaust somebody's stack: refused before anybody walks it."""
    level: list[Any] = [schema]
    for _ in range(MAX_DEPTH):
        level = [part for value in level for part in _parts(value) if isinstance(part, (dict, list))]
        if not level:
            return
    raise ContractInvalid("", f"The schema is nested more than {MAX_DEPTH} levels deep.")


def _parts(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
