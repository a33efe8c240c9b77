"""The property that tells the branches of a union apart: required in each, with one value of its own in each.

With it no two branches take the same document, and a document that has the value needs to be looked at by one branch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from interlock.contracts.json_schema.conjunction import Part


@dataclass(frozen=True, slots=True)
class Discriminator:
    """`branches` by the value, as repr tells values apart; numbers are left out, because 1 is 1.0."""

    name: str
    branches: dict[str, int]


def discriminator(branches: Sequence[Part]) -> Discriminator | None:
    if len(branches) < 2:
        return None
    listed = [_fixed(part.meant()) for part in branches]
    for name in listed[0]:
        values = {one[name]: at for at, one in enumerate(listed) if name in one}
        if len(values) == len(listed):
            return Discriminator(name, values)
    return None


def _fixed(part: Part) -> dict[str, str]:
    schema: Any = part.schema
    if not isinstance(schema, dict) or schema.get("type") != "object":
        return {}
    declared = schema.get("properties", {})
    found: dict[str, str] = {}
    for name in schema.get("required") or ():
        inner = declared.get(name)
        values = _values(inner) if isinstance(inner, dict) else []
        if len(values) == 1 and isinstance(values[0], (str, bool, type(None))):
            found[name] = repr(values[0])
    return found


def _values(schema: dict[str, Any]) -> list[Any]:
    if "const" in schema:
        return [schema["const"]]
    return schema["enum"] if isinstance(schema.get("enum"), list) else []
