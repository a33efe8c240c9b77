"""The story of what happened to one event and all that followed from it. Metadata only: no payload gets in here."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from interlock.model.clock import to_rfc3339


class FactKind(StrEnum):
    """What a line of the story tells. The order breaks ties of time."""

    RESTARTED = "restarted"
    ACCEPTED = "accepted"
    REPLIED = "replied"
    FAILED = "failed"
    PARKED = "parked"
    HANDLED = "handled"
    SKIPPED = "skipped"
    DEAD = "dead-lettered"
    DISCARDED = "discarded"
    STEP = "saga step"
    EMITTED = "emitted"
    CALLED = "called"
    CALL_DUE = "call due"
    CALL_DEAD = "call dead-lettered"
    CALL_DISCARDED = "call discarded"


class StoryState(StrEnum):
    """Where the whole story stands: the worst of its parts."""

    DONE = "done"
    WAITING = "waiting"
    PARKED = "parked"
    DEAD = "dead-lettered"


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact. `name` is the event type, the flow or the operation; what a kind does not know stays None."""

    at_us: int
    kind: FactKind
    name: str
    partition: int | None = None
    position: int | None = None
    generation: int | None = None
    correlation: str | None = None
    event_id: str | None = None
    event_type: str | None = None
    version: str | None = None  # of the contract, or of the flow
    source: str | None = None
    causation: str | None = None
    trace: str | None = None
    handler: str | None = None
    flows: tuple[str, ...] = ()  # that have handled the event
    awaited: tuple[str, ...] = ()  # flows that take the event and have not come to it yet
    delivery_id: str | None = None
    idempotency_key: str | None = None
    attempt: int | None = None  # number of this one, or how many there were
    status: int | None = None
    error: str | None = None
    frame: str | None = None
    duration_us: int | None = None
    estate_hash: str | None = None
    estate_hash_before: str | None = None
    settings_hash: str | None = None
    step: str | None = None  # what kind of entry in a run's journal
    open: bool = False  # a run waits for it
    current: bool = True  # False: a later generation or a redrive has taken its place

    @property
    def ended_us(self) -> int:
        """Calls and handlings are noted with their begin."""
        return self.at_us + (self.duration_us or 0)


@dataclass(frozen=True, slots=True)
class Span:
    """From the first to the last fact of one correlation."""

    correlation: str
    began_us: int
    ended_us: int

    @property
    def duration_us(self) -> int:
        return self.ended_us - self.began_us


@dataclass(frozen=True, slots=True)
class Story:
    """All facts of the correlations that a term names, by time. `others` counts correlations that were left out.

    spans   each correlation timed alone: nobody waited for the days between an order and its cancellation
    """

    term: str
    state: StoryState
    began_us: int
    ended_us: int
    retries: int
    correlations: tuple[str, ...]
    others: int
    facts: tuple[Fact, ...]
    spans: tuple[Span, ...]

    @property
    def root(self) -> Fact:
        """The event that it began with; the first fact when the log no longer has one."""
        return next((fact for fact in self.facts if fact.source is not None), self.facts[0])

    def as_data(self) -> dict[str, Any]:
        """For JSON: times in RFC 3339, absent parts left out."""
        return {
            "term": self.term,
            "state": self.state.value,
            "began": to_rfc3339(self.began_us),
            "ended": to_rfc3339(self.ended_us),
            "stories": [_span(span) for span in self.spans],
            "retries": self.retries,
            "correlations": list(self.correlations),
            "others": self.others,
            "facts": [_data(fact) for fact in self.facts],
        }


def _span(span: Span) -> dict[str, Any]:
    times = {"began": to_rfc3339(span.began_us), "ended": to_rfc3339(span.ended_us)}
    return {"correlation": span.correlation, **times, "duration_us": span.duration_us}


def _data(fact: Fact) -> dict[str, Any]:
    data = {name: value for name, value in asdict(fact).items() if value is not None and value != ()}
    if not fact.open:
        del data["open"]
    return {"at": to_rfc3339(data.pop("at_us")), **data}
