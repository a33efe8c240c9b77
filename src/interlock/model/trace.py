"""Hops of a trace, as W3C Trace Context level 1 (section 3.2) writes them: `00-<trace id>-<span id>-<flags>`.

What is passed in here was checked before, or was made by `Ids.trace_parent`.
"""

from __future__ import annotations

from interlock.model.ids import Ids

_ODD = frozenset("13579bdf")
_SPAN = slice(36, 52)


def is_sampled(trace_parent: str) -> bool:
    """The flag of section 3.2.2.5.1: bit 0."""
    return trace_parent[-1:] in _ODD


def child_of(trace_parent: str, ids: Ids) -> str:
    """The same trace and flags, with a span id of its own: what a hop hands on."""
    fresh = ids.trace_parent()[_SPAN]
    return f"{trace_parent[:36]}{fresh}{trace_parent[52:]}"


def trace_id_of(trace_parent: str) -> str:
    """32 hexadecimal digits."""
    return trace_parent[3:35]


def span_id_of(trace_parent: str) -> str:
    """16 hexadecimal digits."""
    return trace_parent[_SPAN]
