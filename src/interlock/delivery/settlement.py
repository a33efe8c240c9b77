"""From one attempt to the step that makes its outcome durable."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from interlock.delivery.outcome import TRANSITIONS, Outcome, outcome_of, retry_after_us
from interlock.delivery.targets import subject_of
from interlock.model.event import UNPROTECTED, Event
from interlock.model.record import DeliveryAttempt, DeliveryRow, DeliveryState
from interlock.model.retry import RetrySchedule
from interlock.model.saga import TIMER_OPERATION, TIMER_SYSTEM, called_by, news_type
from interlock.model.step import EMPTY, Step, StepResult
from interlock.ports.http_client import HttpAnswer
from interlock.sdk.flow import reply_type
from interlock.sdk.news import News
from interlock.sdk.reply import Reply

REPLY_VERSION = "1"
MAX_DEPTH = 64  # of an answer's JSON
_REPLIED = frozenset({DeliveryState.SUCCEEDED, DeliveryState.REFUSED})


class Tried(NamedTuple):
    """One attempt as it went. Exactly one of `answer` and `error` is there; `error` is a code.

    `trace` is the traceparent that the attempt was sent with.
    """

    at_us: int
    duration_us: int
    answer: HttpAnswer | None
    error: str | None
    trace: str | None = None

    @property
    def outcome(self) -> Outcome:
        return outcome_of(self.answer.status if self.answer else None)


def settle(row: DeliveryRow, tried: Tried, retry: RetrySchedule, chance: float, now_us: int, with_reply: bool) -> Step:
    """The delivery's next state and, when the answer is final and some flow waits for it, the reply event."""
    attempts = row.attempts + 1
    wait_us = _wait_us(tried, retry, attempts, chance, now_us)
    outcome = Outcome.EXHAUSTED if tried.outcome is Outcome.RETRY and wait_us is None else tried.outcome
    state = TRANSITIONS[row.state, outcome]
    status = tried.answer.status if tried.answer else None
    settled = row._replace(
        state=state,
        attempts=attempts,
        due_us=now_us + (wait_us or 0),
        body=None if state is DeliveryState.SUCCEEDED else row.body,
        attempt=DeliveryAttempt(row.id, attempts, tried.at_us, tried.duration_us, status, tried.error),
    )
    if state in _REPLIED and tried.answer is not None:
        called = called_by(row.step)
        if called is not None:
            news = answer_news(row, called, tried.answer, now_us)._replace(trace=tried.trace)
            return Step(delivery=settled, result=StepResult(emits=(news,)))
        if with_reply:
            reply = reply_event(row, tried.answer, now_us)._replace(trace=tried.trace)
            return Step(delivery=settled, result=StepResult(emits=(reply,)))
    return Step(delivery=settled, result=EMPTY)


def _wait_us(tried: Tried, retry: RetrySchedule, attempts: int, chance: float, now_us: int) -> int | None:
    """Until the next attempt; None when there is none. The schedule, lengthened by what the target asks for."""
    delay_us = retry.delay_us(attempts, chance)
    if delay_us is None or tried.answer is None:
        return delay_us
    return max(delay_us, retry_after_us(tried.answer.headers, now_us))


def is_timer(row: DeliveryRow) -> bool:
    """Not a call: a moment that a saga waits for, which is due like one."""
    return (row.system, row.operation) == (TIMER_SYSTEM, TIMER_OPERATION)


def answer_news(row: DeliveryRow, called: tuple[str, int], answer: HttpAnswer, now_us: int) -> Event:
    """What the saga hears that placed the call, or set the timer."""
    run, number = called
    if is_timer(row):
        news = News(run, "timer", number)
    else:
        news = News(run, "answer", number, msgspec.Raw(msgspec.json.encode(_reply(row, answer))))
    return _event(row, news_type(row.flow), msgspec.json.encode(news), now_us)


def discard_news(row: DeliveryRow, called: tuple[str, int], now_us: int) -> Event:
    """A call that was given up has no answer: the saga that waits for it has to know."""
    news = News(*called[:1], "answer", called[1], reason="discarded")
    return _event(row, news_type(row.flow), msgspec.json.encode(news), now_us)


def reply_event(row: DeliveryRow, answer: HttpAnswer, now_us: int) -> Event:
    """The answer as an event of the same key, so that it is handled in order with the rest of its story."""
    return _event(row, reply_type(subject_of(row)), msgspec.json.encode(_reply(row, answer)), now_us)


def _reply(row: DeliveryRow, answer: HttpAnswer) -> Reply:
    return Reply(subject_of(row), answer.status, _json(row.body or b"") or {}, _json(answer.body))


def _event(row: DeliveryRow, event_type: str, body: bytes, now_us: int) -> Event:
    return Event(
        partition=row.partition,
        id=row.id,
        source=f"system:{row.system}",
        type=event_type,
        version=REPLY_VERSION,
        key_hash=row.key_hash,
        time_us=now_us,
        correlation=row.correlation,
        causation=row.id,
        trace=row.trace,
        business=b"",
        attributes=None,
        scheme=UNPROTECTED,
        key_id=None,
        body=body,
    )


def _json(raw: bytes) -> Any:
    """JSON data; None for what is none, which an answer is free to be, or is nested to do harm."""
    try:
        data = msgspec.json.decode(raw) if raw else None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    return data if _depth_within(data, MAX_DEPTH) else None


def _depth_within(data: Any, depth: int) -> bool:
    """Level by level, without recursion: who reads the reply later has less stack left than we have."""
    level = [data]
    for _ in range(depth + 1):
        level = [inner for outer in level for inner in _children(outer)]
        if not level:
            return True
    return False


def _children(data: Any) -> Iterable[Any]:
    if isinstance(data, dict):
        return data.values()
    return data if isinstance(data, list) else ()
