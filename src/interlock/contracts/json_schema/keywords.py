"""Where schemas stand inside a schema: which keywords hold schemas by name, and which hold data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

# Their values are data: what looks like a keyword in there is none.
DATA = frozenset({"enum", "const", "default", "examples", "example"})
# Their values map names to schemas: a property called `enum` is a schema.
BY_NAME = frozenset({
    "properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies",
})  # fmt: skip


def parts(schema: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Objects and lists right beneath, with the tokens that lead there. Unknown keywords may hold schemas, too."""
    for name, value in schema.items():
        if name in DATA:
            continue
        if name in BY_NAME and isinstance(value, dict):
            yield from (((name, one), part) for one, part in value.items() if isinstance(part, (dict, list)))
        elif isinstance(value, dict):
            yield (name,), value
        elif isinstance(value, list):
            yield from (
                ((name, str(index)), part) for index, part in enumerate(value) if isinstance(part, (dict, list))
            )


def schemas(root: Any) -> Iterator[dict[str, Any]]:
    """Every object of a document that may be a schema, the root first."""
    stack = [root]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            yield value
            stack.extend(part for _, part in parts(value))
        elif isinstance(value, list):
            stack.extend(part for part in value if isinstance(part, (dict, list)))
