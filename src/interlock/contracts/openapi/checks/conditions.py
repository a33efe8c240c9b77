"""What holds only where something else does, or does not: not, if, then, else, dependent words.

Such schemas are compared by set inclusion where the two differ: their structure alone says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from interlock.contracts.openapi.api_document import dumped
from interlock.contracts.openapi.meeting import Meeting, Note
from interlock.contracts.pointer import ABSENT

_WHOLE = {"not": "not", "if": "if", "then": "then", "else": "else", "dependentSchemas": "dependent-schema"}
_DEPENDENT = "dependentRequired"
TRIGGERS = frozenset({*_WHOLE, _DEPENDENT})


def check(meeting: Meeting) -> Iterator[Note]:
    for keyword, stem in _WHOLE.items():
        if keyword in meeting.words:
            yield from _one(meeting, keyword, stem)
    old, new = (_dependent(one) for one in meeting.both(_DEPENDENT))
    for name in dict.fromkeys((*old, *new)):
        for wanted in dict.fromkeys((*old.get(name, ()), *new.get(name, ()))):
            there = [wanted in one.get(name, ()) for one in (old, new)]
            if there[0] != there[1]:
                word = "dependent-required-added" if there[1] else "dependent-required-removed"
                told = (wanted if there[0] else ABSENT, wanted if there[1] else ABSENT)
                yield meeting.note(word, (_DEPENDENT, name), *told, f"{name} asks for {wanted}")


def _one(meeting: Meeting, keyword: str, stem: str) -> Iterator[Note]:
    old, new = (_several(meeting, view, keyword) for view in (meeting.old, meeting.new))
    if len(old) == len(new) and all(map(meeting.judge.same, old, new)):
        return
    told = meeting.both(keyword)
    effect, witness = meeting.judge.formal(meeting.old.node, meeting.new.node)
    action = "added" if not old else "removed" if not new else "changed"
    hints = () if witness is ABSENT else (witness,)
    yield meeting.note(f"{stem}-{action}", keyword, *told, effect=effect, hints=hints)


def _several(meeting: Meeting, view: Any, keyword: str) -> list[Any]:
    return sorted((value for value, _ in view.each(keyword)), key=dumped)


def _dependent(value: Any) -> dict[str, list[str]]:
    if not isinstance(value, dict):
        return {}
    return {name: wanted for name, wanted in value.items() if isinstance(wanted, list)}
