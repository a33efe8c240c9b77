"""Which parts of two documents are the same, told at the speed of the parser, so that only the others are walked.

A part is the same as another when their bytes are equal and whatever they refer to is the same too. References in a
circle are no harm: what differs is found first, and everything that leads there is marked after.
"""

from __future__ import annotations

from typing import Any

from interlock.contracts.openapi.api_document import ApiDocument, dumped, referred


class Twins:
    """Of two documents of different versions of OpenAPI nothing counts as the same: words differ in meaning."""

    def __init__(self, old: ApiDocument, new: ApiDocument) -> None:
        self._strangers = old.is_30 != new.is_30
        self._answers: dict[tuple[int, int], bool] = {}
        self._differing: set[str] = set() if self._strangers else _differing(old, new)

    def same(self, old: Any, new: Any) -> bool:
        if old is new:
            return not self._differing and not self._strangers
        if self._strangers or type(old) is not type(new) or old != new:
            return False
        key = (id(old), id(new))
        known = self._answers.get(key)
        if known is None:
            known = self._answers[key] = self._same(old, new)
        return known

    def _same(self, old: Any, new: Any) -> bool:
        content = dumped(old)
        if content != dumped(new):  # 1 and true are equal in Python only
            return False
        return not self._differing or self._differing.isdisjoint(referred(content))


def _differing(old: ApiDocument, new: ApiDocument) -> set[str]:
    """References that mean something else now, directly or by what they refer to in turn."""
    found: set[str] = set()
    users: dict[str, set[str]] = {}
    heirs: list[tuple[str, set[str]]] = []
    bases: set[str] = set()
    shared = old.references & new.references
    found.update(old.references ^ new.references)
    for reference in shared:
        before, after = dumped(old.part(reference)), dumped(new.part(reference))
        if before != after:
            found.add(reference)
        for used in referred(before) | referred(after):
            users.setdefault(used, set()).add(reference)
        if b'"allOf"' in before:
            heirs.append((reference, referred(before)))
        if b'"discriminator"' in before:
            bases.add(reference)
    for heir, used_by_it in heirs:  # what builds on a base travels in its place
        for base in used_by_it & bases:
            users.setdefault(heir, set()).add(base)
    open_ends = list(found)
    while open_ends:
        for user in users.get(open_ends.pop(), ()):
            if user not in found:
                found.add(user)
                open_ends.append(user)
    return found
