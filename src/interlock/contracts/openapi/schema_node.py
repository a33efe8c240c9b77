"""A schema as it stands in a document: one object, or several that must hold together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from interlock.contracts.openapi.place import Place

Direction = Literal["request", "response"]
Text = Literal["", "parameter", "form"]
Part = tuple[Any, Place]
Key = int | tuple[int, ...]


class Node:
    """`key` tells nodes of one document apart, as long as the document lives."""

    __slots__ = ("key", "parts")

    def __init__(self, parts: tuple[Part, ...]) -> None:
        self.parts = parts
        self.key: Key = id(parts[0][0]) if len(parts) == 1 else tuple([id(schema) for schema, _ in parts])

    @property
    def place(self) -> Place:
        return self.parts[0][1]


@dataclass(frozen=True, slots=True)
class Side:
    """Which way a value travels, and how.

    direction  request: the API takes it, so whatever was valid has to stay valid. response: the API gives it, so
               nothing may come that was not valid. A callback's request is something that the API gives.
    text       it travels as text, so that a number is also a text: as a parameter (or header), or in a form
    """

    direction: Direction
    text: Text = ""

    @property
    def hidden(self) -> str:
        """The mark of properties that do not travel this way (OpenAPI 3.0.3, 4.7.24.1; 3.1: JSON Schema's words)."""
        return "readOnly" if self.direction == "request" else "writeOnly"
