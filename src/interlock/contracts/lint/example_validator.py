"""Holds examples of a whole document to the schemas beside them, which may refer to anything in it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import jsonschema_rs

from interlock.contracts.lint.rule import Tokens
from interlock.contracts.lint.scene import Scene
from interlock.contracts.lint.schema_slice import SchemaSlice, SliceTooLarge
from interlock.contracts.local_reference import ReferenceInvalid

_SHOWN = 3
_DRAFTS: dict[str, Any] = {
    "openapi 3.0": jsonschema_rs.Draft4Validator,
    "asyncapi 2": jsonschema_rs.Draft7Validator,
    "asyncapi 3": jsonschema_rs.Draft7Validator,
    "json-schema draft-04": jsonschema_rs.Draft4Validator,
    "json-schema draft-06": jsonschema_rs.Draft6Validator,
    "json-schema draft-07": jsonschema_rs.Draft7Validator,
    "json-schema 2019-09": jsonschema_rs.Draft201909Validator,
}
# From 2019-09 on, what stands beside a reference holds too.
_OPEN_REFERENCES = frozenset({"openapi 3.1", "json-schema 2019-09", "json-schema 2020-12"})
# Look-around and back-references are what authors write; the steps of one match are bounded.
_PATTERNS = jsonschema_rs.FancyRegexOptions(backtrack_limit=100_000)


class Unchecked(Exception):
    """The schema is too large to hold the example to it in bounded time."""


class ExampleValidator:
    """Nothing is ever fetched."""

    def __init__(self, scene: Scene) -> None:
        language = f"{scene.language} {scene.version}"
        self._document = scene.document
        self._draft = _DRAFTS.get(language, jsonschema_rs.Draft202012Validator)
        self._alone = language not in _OPEN_REFERENCES
        self._nullable = language == "openapi 3.0"

    def errors(self, schema: Any, value: Any) -> Iterator[tuple[Tokens, str]]:
        """Where in the value, and why. A schema that is wrong itself says nothing: other rules speak of it.

        Raises Unchecked.
        """
        try:
            part = SchemaSlice(self._document, references_alone=self._alone, nullable=self._nullable).of(schema, value)
            validator = self._draft(
                part, validate_formats=True, mask="the value", pattern_options=_PATTERNS, offline=True
            )
        except SliceTooLarge:
            raise Unchecked from None
        except (ReferenceInvalid, jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError, TypeError):
            return
        if not validator.is_valid(value):
            for error in islice(validator.iter_errors(value), _SHOWN):
                yield tuple(error.instance_path), error.message
