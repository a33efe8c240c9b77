"""W3C Trace Context level 1, section 3.2."""

from __future__ import annotations

import re

from interlock.model.ids import Ids

_FORM = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_LENGTH = 55
SAMPLED = "01"


def valid_traceparent(text: str) -> str | None:
    """The value without what later versions may append, or None: an invalid one is ignored (section 3.2.2)."""
    head = text[:_LENGTH]
    if _FORM.fullmatch(head) is None:
        return None
    if len(text) > _LENGTH and (text.startswith("00") or text[_LENGTH] != "-"):
        return None
    return head


def sampled(trace_parent: str) -> str:
    """The same trace with the `sampled` flag set (section 3.2.2.5.1)."""
    return trace_parent[:-2] + SAMPLED


class Sampler:
    """Which trace a request belongs to: the caller's goes on, of the others a sample gets a fresh one."""

    __slots__ = ("_ids", "_ratio")

    def __init__(self, ids: Ids, ratio: float) -> None:
        self._ids = ids
        self._ratio = ratio

    def choose(self, header: str | None) -> str | None:
        """`header` is the traceparent as sent. None: not traced."""
        taken = valid_traceparent(header) if header is not None else None
        if taken is None and self._ids.chance() < self._ratio:
            return sampled(self._ids.trace_parent())
        return taken

    def continues(self, header: str | None) -> str | None:
        """The caller's trace; None when there is none that could be gone on with."""
        return valid_traceparent(header) if header is not None else None
