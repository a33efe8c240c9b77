"""Which draft of JSON Schema a document speaks: by its `$schema`, or else by words that only one draft understands.

A document that says nothing counts as 2020-12, unless 2020-12 refuses it: `items` as a list of positions is draft 7,
`exclusiveMinimum` or `exclusiveMaximum` as a boolean is draft 4. Many schemas in the wild have no `$schema`.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.json_schema.keywords import schemas

Dialect = Literal["4", "6", "7", "2019-09", "2020-12"]
DIALECTS: tuple[Dialect, ...] = get_args(Dialect)
DEFAULT: Dialect = "2020-12"
_BY_URI: dict[str, Dialect] = {
    "http://json-schema.org/draft-04/schema": "4",
    "http://json-schema.org/draft-06/schema": "6",
    "http://json-schema.org/draft-07/schema": "7",
    "https://json-schema.org/draft/2019-09/schema": "2019-09",
    "https://json-schema.org/draft/2020-12/schema": "2020-12",
}
# In these, `$ref` stands alone: its siblings say nothing (draft 7, core section 8.3).
REF_ALONE: frozenset[Dialect] = frozenset({"4", "6", "7"})


def dialect_of(schema: Any) -> Dialect:
    """Raises ContractInvalid for a `$schema` that we do not speak."""
    uri = schema.get("$schema") if isinstance(schema, dict) else None
    if uri is None:
        return _by_words(schema)
    if not isinstance(uri, str):
        raise ContractInvalid("/$schema", "$schema is a text: the URI of the dialect.")
    # Both schemes are met in the wild for every draft.
    plain = uri.removesuffix("#").split("://", 1)[-1]
    for known, dialect in _BY_URI.items():
        if known.split("://", 1)[-1] == plain:
            return dialect
    raise ContractInvalid("/$schema", f"{uri} is no dialect that is known here; use one of {', '.join(DIALECTS)}.")


def dialects_of(one: Any, other: Any) -> tuple[Dialect, Dialect]:
    """Of two versions of one contract: where one does not say its dialect, it is that of the other."""
    known = (dialect_of(one), dialect_of(other))
    silent = [known[at] == DEFAULT and not _says(schema) for at, schema in enumerate((one, other))]
    return (known[1] if silent[0] else known[0], known[0] if silent[1] else known[1])


def _says(schema: Any) -> bool:
    return isinstance(schema, dict) and "$schema" in schema


def _by_words(root: Any) -> Dialect:
    found: Dialect = DEFAULT
    for schema in schemas(root):
        if any(isinstance(schema.get(word), bool) for word in ("exclusiveMinimum", "exclusiveMaximum")):
            return "4"
        if isinstance(schema.get("items"), list):
            found = "7"
    return found


_SINCE_6 = frozenset({"const", "contains", "propertyNames", "examples"})
_SINCE_7 = frozenset({"if", "then", "else"})
_SINCE_2019 = frozenset({
    "dependentRequired", "dependentSchemas", "unevaluatedProperties", "unevaluatedItems", "minContains", "maxContains",
})  # fmt: skip
_SINCE_2020 = frozenset({"prefixItems", "$dynamicRef"})
# Keywords of other drafts, which say nothing in this one. `dependencies` lives on: our validator asserts it in all.
FOREIGN: dict[Dialect, frozenset[str]] = {
    "4": _SINCE_6 | _SINCE_7 | _SINCE_2019 | _SINCE_2020 | {"$recursiveRef"},
    "6": _SINCE_7 | _SINCE_2019 | _SINCE_2020 | {"$recursiveRef"},
    "7": _SINCE_2019 | _SINCE_2020 | {"$recursiveRef"},
    "2019-09": _SINCE_2020,
    "2020-12": frozenset({"additionalItems", "$recursiveRef"}),
}
