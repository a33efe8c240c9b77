"""A witness as small as it can easily be: what could be left out is no part of the reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from interlock.contracts.json_schema.undo import Place, replaced
from interlock.contracts.pointer import ABSENT

MAX_TRIES = 80


def shrunk(value: Any, keeps: Callable[[Any], bool]) -> Any:
    """`keeps` says whether a document still shows it. Properties and items go, many at once where that works."""
    return _Shrinking(keeps).through(value, ())


class _Shrinking:
    def __init__(self, keeps: Callable[[Any], bool]) -> None:
        self._keeps = keeps
        self._left = MAX_TRIES

    def through(self, root: Any, place: Place) -> Any:
        here = _at(root, place)
        if isinstance(here, dict):
            root = self._without(root, place, list(here))
            for name in _at(root, place):
                root = self.through(root, (*place, name))
        elif isinstance(here, list):
            while len(here) > 1 and self._may(shorter := replaced(root, place, here[:-1])):
                root, here = shorter, here[:-1]
            if len(here) > 1 and self._may(shorter := replaced(root, place, here[-1:])):
                root, here = shorter, here[-1:]
            for index in range(len(here)):
                root = self.through(root, (*place, str(index)))
        return root

    def _without(self, root: Any, place: Place, names: list[str]) -> Any:
        smaller = root
        for name in names:
            smaller = replaced(smaller, (*place, name), ABSENT)
        if names and self._may(smaller):
            return smaller
        if len(names) > 1:
            half = len(names) // 2
            return self._without(self._without(root, place, names[:half]), place, names[half:])
        return root

    def _may(self, value: Any) -> bool:
        self._left -= 1
        return self._left >= 0 and self._keeps(value)


def _at(root: Any, place: Place) -> Any:
    for token in place:
        root = root[int(token)] if isinstance(root, list) else root[token]
    return root
