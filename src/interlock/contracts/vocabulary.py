"""The keywords that a schema may hold, and the one that an unknown keyword was probably meant to be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from interlock.model.classification import KEYWORD

EXTENSIONS = "x-"
# JSON Schema 2020-12: core; applicator and unevaluated; validation; meta-data, format and content.
_JSON_SCHEMA = """
$schema $id $ref $anchor $dynamicRef $dynamicAnchor $vocabulary $comment $defs
allOf anyOf oneOf not if then else dependentSchemas prefixItems items contains properties patternProperties
additionalProperties propertyNames unevaluatedItems unevaluatedProperties
type enum const multipleOf maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern maxItems
minItems uniqueItems maxContains minContains maxProperties minProperties required dependentRequired
title description default deprecated readOnly writeOnly examples format contentEncoding contentMediaType contentSchema
"""
JSON_SCHEMA = frozenset(_JSON_SCHEMA.split())
# OpenAPI 3.1, section 4.8.24.2: its base vocabulary.
OPENAPI = JSON_SCHEMA | {"discriminator", "xml", "externalDocs", "example"}
# OpenAPI 3.0.4, section 4.7.24; other keywords are ignored there.
_OPENAPI_3_0 = """
$ref title multipleOf maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern maxItems minItems
uniqueItems maxProperties minProperties required enum type allOf oneOf anyOf not items properties additionalProperties
description format default nullable discriminator readOnly writeOnly xml externalDocs example deprecated
"""
OPENAPI_3_0 = frozenset(_OPENAPI_3_0.split())
# JSON Schema drafts 4 to 2019-09.
OLDER = frozenset(
    {"id", "definitions", "dependencies", "additionalItems", "$recursiveRef", "$recursiveAnchor", "$dynamicRef"}
)
# Of older drafts, whose spelling is not close to that of today.
_SUPERSEDED = {
    "additionalItems": "items",
    "definitions": "$defs",
    "dependencies": "dependentRequired",
    "$recursiveAnchor": "$dynamicAnchor",
    "$recursiveRef": "$dynamicRef",
}
# Any word that some draft or OpenAPI knows.
EVERY_DRAFT = OPENAPI | _SUPERSEDED.keys() | {"id", "nullable"}


def unknown(names: Iterable[str], vocabulary: frozenset[str]) -> Iterator[tuple[str, str | None]]:
    """Each name that is no keyword and no extension, with the keyword that is closest, if any is close."""
    for name in names:
        if name not in vocabulary and not name.startswith(EXTENSIONS):
            yield name, _SUPERSEDED.get(name) or _closest(name, vocabulary)


def _closest(name: str, vocabulary: frozenset[str]) -> str | None:
    spelled = {keyword.lower(): keyword for keyword in sorted(vocabulary | {KEYWORD})}
    close = get_close_matches(name.lower(), spelled, n=1, cutoff=0.7)
    return spelled[close[0]] if close else None
