"""What a failed run means."""

from __future__ import annotations

import re
from typing import NamedTuple

from interlock.model.problems import Diverged, HandlerFailed, Problem, Rejected
from interlock.sdk.context import Skipped

DETAIL_CHARACTERS = 2000
SKIPPED = "skipped"
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}", re.ASCII)


class Failure(NamedTuple):
    """`code` goes into the record, `detail` only into the erasable envelope."""

    code: str
    detail: str
    final: bool  # retrying cannot help
    skipped: bool
    alone: bool = False  # it says nothing about what follows in its key, which goes on


def failure_of(error: BaseException) -> Failure:
    """Rejections and skips carry their reason as code; other exceptions their class, since their text may hold data.

    A reason that is no code is free text, which has no place in the record: only the envelope keeps it.
    """
    if isinstance(error, Skipped):
        return Failure(error.reason if _CODE.fullmatch(error.reason) else SKIPPED, "", False, True)
    if isinstance(error, Rejected):
        code = error.reason if _CODE.fullmatch(error.reason) else Rejected.code
        detail = error.detail if code == error.reason else f"{error.reason}: {error.detail}"
        return Failure(code, _bounded(detail), True, False)
    if isinstance(error, Diverged):
        return Failure(error.code, _bounded(str(error)), True, False, True)
    code = error.code if isinstance(error, Problem) else f"{HandlerFailed.code}:{type(error).__name__}"
    return Failure(code, _bounded(_text_of(error)), False, False)


def refusal_of(problem: Problem) -> Failure:
    """Of an event that breaks its contract, or has none: whoever can write to the log must not stop a key with it."""
    places = ", ".join(str(entry.get("pointer", "")) for entry in problem.errors)
    return Failure(problem.code, _bounded(f"{problem} {places}" if places else str(problem)), True, False, True)


def _text_of(error: BaseException) -> str:
    """Exceptions of others: even their text can fail."""
    try:
        return str(error)
    except Exception as failed:
        return f"(its text raised {type(failed).__name__})"


def _bounded(text: str) -> str:
    """Short, and such that every store can hold it: lone surrogates have no UTF-8."""
    return text[:DETAIL_CHARACTERS].encode(errors="replace").decode()
