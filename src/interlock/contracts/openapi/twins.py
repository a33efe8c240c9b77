"""Which parts of two documents are the same, told at the speed of the parser, so that only the others are walked.

A part is the same as another when their bytes are equal and whatever they refer to is the same too. References in a
circle are no harm: what differs is found first, and everything that leads there is marked after.
"""

from __future__ import annotations

import re
from typing import Any

from interlock.contracts.openapi.api_document import ApiDocument, dumped, referred
from interlock.contracts.openapi.schema_view import TEXTS

# Words around a reference that decide what it means: what one part of an allOf drops another may have taken over,
# beneath a `not` all is the other way round, and a property may travel one way only.
_TURNING = re.compile(rb'"(?:allOf|not|if|readOnly|writeOnly|maxContains)":')


class Twins:
    """Of two documents of different versions of OpenAPI nothing counts as the same: words differ in meaning."""

    def __init__(self, old: ApiDocument, new: ApiDocument) -> None:
        self._strangers = old.is_30 != new.is_30
        # The parts are kept with the answer: what is known by identity has to live.
        self._answers: dict[tuple[int, int], tuple[tuple[str, ...] | None, Any, Any]] = {}
        self._differing: set[str] = set() if self._strangers else _differing(old, new)

    def same(self, old: Any, new: Any) -> bool:
        return self.links(old, new) == ()

    def texts(self, old: Any, new: Any) -> list[str] | None:
        """The words by which two schemas differ, if those are for people only, and a look at their references alone
        tells the rest. None where it takes more."""
        if self._strangers or not isinstance(old, dict) or not isinstance(new, dict):
            return None
        words = [word for word in old if word not in new or old[word] != new[word]] if old is not new else []
        words += [word for word in new if word not in old]
        if not TEXTS.issuperset(words):
            return None
        if words:
            rest = [{word: value for word, value in one.items() if word not in words} for one in (old, new)]
            alike = dumped(rest[0]) == dumped(rest[1])
        else:
            alike = old is new or dumped(old) == dumped(new)
        return words if alike and self.links(old, old) is not None else None

    def links(self, old: Any, new: Any) -> tuple[str, ...] | None:
        """Where two parts are written alike: the references in them that mean something else now. None where they are
        not, or where what a reference means hangs on the words around it."""
        if self._strangers or type(old) is not type(new) or (old is not new and old != new):
            return None
        key = (id(old), id(new))
        if key not in self._answers:
            self._answers[key] = (self._links(old, new), old, new)
        return self._answers[key][0]

    def _links(self, old: Any, new: Any) -> tuple[str, ...] | None:
        content = dumped(old)
        if old is not new and content != dumped(new):  # 1 and true are equal in Python only
            return None
        if not self._differing:
            return ()
        found = referred(content) & self._differing
        if b'"discriminator"' in content or (found and _TURNING.search(content)):
            return None  # what builds on a base need not be named in it
        return tuple(sorted(found))


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
