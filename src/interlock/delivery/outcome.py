"""What one attempt means, and what becomes of the delivery: two tables that *are* the behaviour.

Rule 1: the answer alone gives the outcome (ANSWERS, first row that fits). Rule 2: state and outcome give the next
state (TRANSITIONS); what is not in the table cannot happen, and only PENDING and DEAD have a way on.
`docs/reference/deliveries.md` is drawn from both.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import NamedTuple

from interlock.model.clock import EPOCH
from interlock.model.record import DeliveryState

RETRY_AFTER_CEILING_SECONDS = 86400  # a target cannot put a call off for ever


class Outcome(StrEnum):
    """SUCCEEDED, REFUSED and RETRY are read off an answer; the others follow from the schedule or from people."""

    SUCCEEDED = "succeeded"
    REFUSED = "refused"
    RETRY = "retry"
    EXHAUSTED = "exhausted"
    GIVEN_UP = "given up"


class AnswerRule(NamedTuple):
    """Statuses from `first` to `last`, and what they mean."""

    first: int
    last: int
    outcome: Outcome
    why: str


ANSWERS: tuple[AnswerRule, ...] = (
    AnswerRule(200, 299, Outcome.SUCCEEDED, "the target took it"),
    AnswerRule(300, 399, Outcome.RETRY, "redirects are not followed: the address is the estate's to change"),
    AnswerRule(408, 408, Outcome.RETRY, "the target did not get the whole request"),
    AnswerRule(425, 425, Outcome.RETRY, "too early (RFC 8470)"),
    AnswerRule(429, 429, Outcome.RETRY, "the target is throttling (RFC 6585)"),
    AnswerRule(400, 499, Outcome.REFUSED, "a final answer of the business: sending it again changes nothing"),
    AnswerRule(500, 599, Outcome.RETRY, "the target failed; its Retry-After is honoured"),
)
NO_ANSWER = "no whole answer came, or one outside HTTP's statuses: the call may have had its effect all the same"

Key = tuple[DeliveryState, Outcome]
TRANSITIONS: dict[Key, DeliveryState] = {
    (DeliveryState.PENDING, Outcome.SUCCEEDED): DeliveryState.SUCCEEDED,
    (DeliveryState.PENDING, Outcome.REFUSED): DeliveryState.REFUSED,
    (DeliveryState.PENDING, Outcome.RETRY): DeliveryState.PENDING,
    (DeliveryState.PENDING, Outcome.EXHAUSTED): DeliveryState.DEAD,
    (DeliveryState.DEAD, Outcome.GIVEN_UP): DeliveryState.DISCARDED,
}

WORDS: dict[DeliveryState, str] = {
    DeliveryState.PENDING: "pending",
    DeliveryState.SUCCEEDED: "succeeded",
    DeliveryState.REFUSED: "refused",
    DeliveryState.DEAD: "dead-lettered",
    DeliveryState.DISCARDED: "discarded",
}


def outcome_of(status: int | None) -> Outcome:
    """What an answer means; None when none came."""
    if status is not None:
        for rule in ANSWERS:
            if rule.first <= status <= rule.last:
                return rule.outcome
    return Outcome.RETRY


def retry_after_us(headers: Mapping[str, str], now_us: int) -> int:
    """The wait that Retry-After asks for (RFC 9110 section 10.2.3), in microseconds; 0 without one that makes sense.

    Both forms: a number of seconds, or an HTTP-date in any of its three spellings. Header names in lower case.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        seconds = float(text[:12])
    else:
        seconds = _until(text, now_us)
    return int(min(max(seconds, 0.0), RETRY_AFTER_CEILING_SECONDS) * 1_000_000)


def _until(http_date: str, now_us: int) -> float:
    try:
        moment = parsedate_to_datetime(http_date)
        if moment.tzinfo is None:  # asctime: GMT without saying so
            moment = moment.replace(tzinfo=EPOCH.tzinfo)
        return (moment - EPOCH).total_seconds() - now_us / 1_000_000
    except (ValueError, TypeError, OverflowError, IndexError):
        return 0.0
