"""Two whole documents: what the checks of an API say of them, and the schemas that they leave to be compared."""

from __future__ import annotations

from datetime import date
from typing import Any

from interlock.contracts.comparison import Change
from interlock.contracts.openapi.api_document import ApiDocument
from interlock.contracts.openapi.api_rules import API_EFFECTS, API_TEXTS, rule_id
from interlock.contracts.openapi.lifecycle import is_over
from interlock.contracts.openapi.meeting import Note
from interlock.contracts.openapi.place import Place, home, read
from interlock.contracts.openapi.schema_comparison import SchemaComparison
from interlock.contracts.openapi.schema_node import Direction, Side, Text
from interlock.contracts.openapi.schema_rules import TEXTS
from interlock.contracts.openapi.schema_rules import rule_id as schema_rule_id
from interlock.contracts.openapi.twins import Twins
from interlock.contracts.openapi.witness import Witness
from interlock.contracts.pointer import ABSENT


class ApiComparison:
    """Collects; `changes` walks the schemas last, each pair once, however many operations use it."""

    def __init__(self, old: ApiDocument, new: ApiDocument, today: date | None) -> None:
        self.old, self.new = old, new
        self.twins = Twins(old, new)
        self.today = today
        self._sides: dict[Side, SchemaComparison] = {}
        self._said: dict[tuple[Any, ...], Change] = {}
        self._texts: dict[tuple[Place, Place], tuple[Note, int]] = {}

    def say(
        self, word: str, flipped: bool, label: str, old_place: Place | None, new_place: Place | None,
        old: Any = ABSENT, new: Any = ABSENT, detail: Any = "",
    ) -> None:  # fmt: skip
        direction, effect, advice = API_EFFECTS[word, flipped]
        where = (None if old_place is None else read(old_place), None if new_place is None else read(new_place))
        message = _message(label, API_TEXTS[word], detail)
        change = Change(rule_id(word, flipped), direction, effect, message, *where, old, new, ABSENT, advice)
        self._said.setdefault((change.rule, *where, detail), change)

    def schemas(self, side: Side) -> SchemaComparison:
        if side not in self._sides:
            self._sides[side] = SchemaComparison(self.old, self.new, side, self.twins, self.today)
        return self._sides[side]

    def compare(
        self, direction: Direction, text: Text, label: str, old: tuple[Any, Place] | None, new: tuple[Any, Place] | None
    ) -> None:
        """Two schemas, later; None takes anything."""
        comparison = self.schemas(Side(direction, text))
        nodes = [
            views.node(*(one or ({}, ())))
            for views, one in ((comparison.olds, old), (comparison.news, new))
        ]  # fmt: skip
        comparison.add(nodes[0], nodes[1], label)

    def ended(self, holder: Any) -> bool:
        return is_over(holder, self.today)

    def changes(self) -> list[Change]:
        for side, comparison in self._sides.items():
            witness = Witness(side)
            for note, label in comparison.notes():
                if note.word == "texts-changed":
                    self._text(note)
                else:
                    self._note(side, note, label, witness)
        for note, count in self._texts.values():
            self._said_texts(note, count)
        return list(self._said.values())

    def release(self) -> None:
        """Views and their schemas hold each other; without that, all goes at once and no collector has to look."""
        for comparison in self._sides.values():
            comparison.release()
        self._sides.clear()

    def _text(self, note: Note) -> None:
        """Descriptions change by the hundred: one finding for a component or an operation is enough."""
        key = (home(note.old_place or ()), home(note.new_place or ()))
        first, count = self._texts.get(key, (note, 0))
        self._texts[key] = (first, count + 1)

    def _said_texts(self, note: Note, count: int) -> None:
        old, new = (None if one is None else read(one) for one in (note.old_place, note.new_place))
        more = f", and {count - 1} more near it" if count > 1 else ""
        message = f"{new}: {TEXTS[note.word]}{more}."
        rule = schema_rule_id("request", note.word)
        self._said[rule, old, new] = Change(rule, "none", "annotation", message, old, new, note.old, note.new)

    def _note(self, side: Side, note: Note, label: str, witness: Witness) -> None:
        rule = schema_rule_id(side.direction, note.word)
        old_place = None if note.old_place is None or note.old is ABSENT else read(note.old_place)
        new_place = None if note.new_place is None or note.new is ABSENT else read(note.new_place)
        if old_place is None and new_place is None:
            old_place, new_place = (None if one is None else read(one) for one in (note.old_place, note.new_place))
        key = (rule, old_place, new_place, note.detail)
        if key in self._said:
            return
        self._said[key] = Change(
            rule=rule,
            direction="none" if note.effect == "annotation" else side.direction,
            effect=note.effect,
            message=_message(f"{label}, {side.direction}", TEXTS[note.word], note.detail),
            old_path=old_place,
            new_path=new_place,
            old=note.old,
            new=note.new,
            witness=witness.of(note) if note.effect == "breaking" else ABSENT,
            advice=note.advice,
        )


def _message(label: str, text: str, detail: str) -> str:
    return f"{label}: {text}{f' ({detail})' if detail else ''}."
