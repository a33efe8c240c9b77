"""What a failed run means."""

from __future__ import annotations

from typing import NamedTuple

from interlock.model.problems import HandlerFailed, Problem, Rejected
from interlock.sdk.context import Skipped

DETAIL_CHARACTERS = 2000


class Failure(NamedTuple):
    """`code` goes into the record, `detail` only into the erasable envelope."""

    code: str
    detail: str
    final: bool  # retrying cannot help
    skipped: bool


def failure_of(error: BaseException) -> Failure:
    """Rejections and skips carry their reason as code; other exceptions their class, since their text may hold data."""
    if isinstance(error, Skipped):
        return Failure(error.reason, "", False, True)
    if isinstance(error, Rejected):
        return Failure(error.reason, error.detail[:DETAIL_CHARACTERS], True, False)
    if isinstance(error, Problem):
        return Failure(error.code, str(error)[:DETAIL_CHARACTERS], False, False)
    return Failure(f"{HandlerFailed.code}:{type(error).__name__}", str(error)[:DETAIL_CHARACTERS], False, False)
