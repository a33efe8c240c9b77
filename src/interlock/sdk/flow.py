"""What an estate's Python declares. Decorators attach frozen specs to a Flow; there is no global registry."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from interlock.model.retry import HANDLER_DEFAULT, RetrySchedule
from interlock.sdk.duration import seconds_of

Handler = Callable[..., Awaitable[Any]]
H = TypeVar("H", bound=Handler)
Trigger = Literal["event", "reply", "api", "schedule", "saga"]
MissedRuns = Literal["skip", "latest", "all"]


@dataclass(frozen=True, slots=True)
class HandlerSpec:
    """One handler and what starts it.

    subject: the event type ("orders.OrderPlaced"), the operation replied to ("payments.charge"), the API operation
    ("shop.importInvoice") or the name of the schedule.
    """

    trigger: Trigger
    subject: str
    handler: Handler
    model: type | None = None
    cron: str | None = None
    zone: str = "UTC"
    missed: MissedRuns = "latest"

    @property
    def name(self) -> str:
        return self.handler.__name__

    @property
    def line(self) -> int:
        return self.handler.__code__.co_firstlineno


@dataclass(frozen=True, slots=True)
class SagaSpec:
    """One version of a saga, and what starts it.

    subject    the event type that starts a run
    waits_for  the event types that its runs may wait for
    """

    name: str
    version: int
    subject: str
    handler: Handler
    model: type | None = None
    waits_for: tuple[str, ...] = ()
    deadline_seconds: float | None = None
    start_paused: bool = False

    @property
    def spec(self) -> HandlerSpec:
        """As a handler of the event that starts it."""
        return HandlerSpec("saga", self.subject, self.handler, self.model)


@dataclass(slots=True)
class Flow:
    """A named reaction to events, replies, API calls and schedules, with one owner.

    after_dead_letter   "hold": the key stays parked until somebody redrives or discards; "continue": it goes on
    park_limit          how many events may wait behind a failing one, per key
    park_age_seconds    how long they may wait
    retry               delays between the attempts of a failing handler
    """

    name: str
    owner: str
    version: str = "1"
    after_dead_letter: Literal["hold", "continue"] = "hold"
    park_limit: int = 1000
    park_age_seconds: float = 7 * 86400
    retry: RetrySchedule = HANDLER_DEFAULT
    slo: str | None = None
    specs: list[HandlerSpec] = field(default_factory=list)
    sagas: list[SagaSpec] = field(default_factory=list)

    def on(self, event: type | str) -> Callable[[H], H]:
        """Handle an event. With a generated class, the handler gets an instance; with a type name, a dict."""
        model = event if isinstance(event, type) else None
        subject = event if isinstance(event, str) else contract_of(event)
        return self._attach("event", subject, model=model)

    def on_reply(self, operation: str) -> Callable[[H], H]:
        """Handle the final answer of an outside call: success, or refusal by the target (4xx)."""
        return self._attach("reply", operation)

    def api(self, operation: str) -> Callable[[H], H]:
        """Answer an operation of an OpenAPI contract of the estate, named `<api>.<operationId>`."""
        return self._attach("api", operation)

    def every(
        self, cron: str, *, name: str | None = None, zone: str = "UTC", missed: MissedRuns = "latest"
    ) -> Callable[[H], H]:
        """Run on a schedule: five cron fields, in an IANA time zone. `missed`: what to do about runs slept through."""

        def attach(handler: H) -> H:
            spec = HandlerSpec("schedule", name or handler.__name__, handler, cron=cron, zone=zone, missed=missed)
            self.specs.append(spec)
            return handler

        return attach

    def saga(
        self,
        event: type | str,
        *,
        version: int = 1,
        name: str | None = None,
        waits_for: Sequence[type | str] = (),
        deadline: str | float | None = None,
        start_paused: bool = False,
    ) -> Callable[[H], H]:
        """Begin a run for each event, of the newest version; a run ends on the version that it began with.

        Keep the older versions in the code until `interlock flows drain` says that no run has them any more. A run
        that is not over after `deadline` is undone. With `start_paused` it begins when somebody says so.
        """
        model = event if isinstance(event, type) else None
        subject = event if isinstance(event, str) else contract_of(event)
        types = tuple(one if isinstance(one, str) else contract_of(one) for one in waits_for)
        seconds = None if deadline is None else seconds_of(deadline)

        def attach(handler: H) -> H:
            own = name or handler.__name__
            self.sagas.append(SagaSpec(own, version, subject, handler, model, types, seconds, start_paused))
            return handler

        return attach

    def _attach(self, trigger: Trigger, subject: str, model: type | None = None) -> Callable[[H], H]:
        def attach(handler: H) -> H:
            self.specs.append(HandlerSpec(trigger, subject, handler, model))
            return handler

        return attach


def contract_of(model: type) -> str:
    """The event type of a generated class."""
    subject = getattr(model, "__contract__", None)
    if not isinstance(subject, str):
        raise TypeError(f"{model.__name__} is no generated contract class. Import it from estate.contracts.")
    return subject


def reply_type(operation: str) -> str:
    """The type of the internal event that carries the answer of an outside call."""
    return f"reply:{operation}"


def schedule_type(flow: str, name: str) -> str:
    """The type of the internal event that starts a scheduled handler."""
    return f"schedule:{flow}.{name}"
