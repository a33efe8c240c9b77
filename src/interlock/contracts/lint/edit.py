"""Small changes of a document that keep its text as its author has formatted it."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from interlock.contracts import pointer

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Insert:
    """A member that the object at `place` does not have."""

    place: str
    name: str
    value: Scalar
    first: bool = False


@dataclass(frozen=True, slots=True)
class Replace:
    """The scalar at `place` by another one."""

    place: str
    value: Scalar


@dataclass(frozen=True, slots=True)
class Remove:
    """The element of an array at `place`; never its first one."""

    place: str


Edit = Insert | Replace | Remove


class Patch(NamedTuple):
    """`text[start:end]` becomes `new`."""

    start: int
    end: int
    new: str


class Editor(Protocol):
    """Of one text. None for an edit that cannot be made there without a guess."""

    def patch(self, edit: Edit) -> Patch | None: ...


def patched(text: str, patches: Sequence[Patch]) -> str:
    """All of them at once; their places are those of `text`. Of two that overlap the later one is left out."""
    pieces, at = [], 0
    for one in sorted(patches, key=lambda patch: (patch.start, patch.end)):
        if one.start >= at:
            pieces += [text[at : one.start], one.new]
            at = one.end
    return "".join([*pieces, text[at:]])


def applied(document: Any, edits: Sequence[Edit]) -> Any:
    """What the document says after them, for comparison with what the edited text says."""
    document = copy.deepcopy(document)
    for edit in sorted(edits, key=lambda one: (isinstance(one, Remove), -_index(one))):
        *owner, last = ("", *pointer.split(edit.place))
        if isinstance(edit, Insert):
            pointer.find(document, pointer.split(edit.place))[edit.name] = edit.value
            continue
        holder = pointer.find(document, owner[1:])
        if isinstance(edit, Remove):
            del holder[int(last)]
        else:
            holder[int(last) if isinstance(holder, list) else last] = edit.value
    return document


def _index(edit: Edit) -> int:
    """Of several elements of one array the last is removed first."""
    last = edit.place.rpartition("/")[2]
    return int(last) if isinstance(edit, Remove) and last.isdecimal() else 0


_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./-]*")
_WORDS_OF_YAML = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def yaml_scalar(value: Scalar) -> str:
    """Plain where no parser can mistake it, else as JSON writes it, which every YAML parser takes."""
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS_OF_YAML:
        return value
    return json.dumps(value, ensure_ascii=False)
