"""Two schemas that mean each other, on their way through the checks, and what a check says of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from interlock.contracts.comparison import Effect
from interlock.contracts.openapi.place import Place, deeper
from interlock.contracts.openapi.schema_node import Node, Part, Side
from interlock.contracts.openapi.schema_rules import EFFECTS
from interlock.contracts.openapi.schema_view import Schemas, SchemaView
from interlock.contracts.pointer import ABSENT


@dataclass(slots=True)
class Note:
    """One fact about the two. `word` and the side's direction make the rule; `hints` are values that may show it."""

    word: str
    effect: Effect
    old_place: Place | None
    new_place: Place | None
    old: Any = ABSENT
    new: Any = ABSENT
    detail: str = ""
    hints: tuple[Any, ...] = ()
    advice: bool = False
    views: tuple[SchemaView, SchemaView] | None = None
    alone: SchemaView | None = None  # of an alternative that has no counterpart


@dataclass(slots=True)
class Pair:
    """Two schemas within these two, to be compared in turn."""

    old: Node
    new: Node


class Judge(Protocol):
    """What a check may ask of the whole comparison."""

    olds: Schemas
    news: Schemas

    def fits(self, old: Node, new: Node) -> bool:
        """Whether nothing breaks between them, however deep."""

    @property
    def spent(self) -> bool:
        """Whether there was too much to ask, so that `fits` says no without a look."""

    def same(self, old: Any, new: Any) -> bool:
        """Whether the two parts of the documents mean the same without a look at them."""

    def retired(self, value: Any) -> bool:
        """Deprecated, and its sunset has passed."""

    def formal(self, old: Node, new: Node) -> tuple[Effect, Any]:
        """By set inclusion: safe, breaking with a document that shows it, or undecided."""


class Meeting:
    __slots__ = ("judge", "new", "old", "shared", "side", "words")

    def __init__(self, judge: Judge, side: Side, old: SchemaView, new: SchemaView) -> None:
        self.judge, self.side, self.old, self.new = judge, side, old, new
        self.words = old.keywords | new.keywords
        self.shared = old.types & new.types

    @property
    def is_request(self) -> bool:
        return self.side.direction == "request"

    @property
    def giver(self) -> SchemaView:
        """By whose schema the value is made: the old callers', or the new API's."""
        return self.old if self.is_request else self.new

    @property
    def taker(self) -> SchemaView:
        return self.new if self.is_request else self.old

    def note(
        self, word: str, keyword: str | tuple[str, ...], old: Any = ABSENT, new: Any = ABSENT, detail: str = "",
        hints: tuple[Any, ...] = (), effect: Effect | None = None,
    ) -> Note:  # fmt: skip
        """At a keyword, or deeper; where one side has no value, it has no place either."""
        first, *rest = (keyword,) if isinstance(keyword, str) else keyword
        was, advice = EFFECTS[self.side.direction, word]
        return Note(
            word, effect or was,
            deeper(self.old.at(first), *rest), deeper(self.new.at(first), *rest),
            old, new, detail, hints, advice, (self.old, self.new),
        )  # fmt: skip

    def changed(
        self, stem: str, keyword: str, old: Any, new: Any, detail: str = "", hints: tuple[Any, ...] = ()
    ) -> Note:
        """`stem`-added, -removed or -changed, by which side has a value."""
        action = "added" if old is ABSENT else "removed" if new is ABSENT else "changed"
        return self.note(f"{stem}-{action}", keyword, old, new, detail, hints)

    def pair(self, old: Node | None, new: Node | None) -> Pair:
        """None is a schema that takes anything."""
        return Pair(
            old or Node(((self.judge.olds.made({}, self.old.node.place)),)),
            new or Node(((self.judge.news.made({}, self.new.node.place)),)),
        )

    def both(self, keyword: str) -> tuple[Any, Any]:
        return self.old.first(keyword, ABSENT), self.new.first(keyword, ABSENT)


Check = Callable[[Meeting], Any]
__all__ = ["Check", "Judge", "Meeting", "Note", "Pair", "Part"]
