"""What a saga's code may await. It describes; the engine does it, journals it, and after a restart tells it again.

The code between two awaits runs again whenever the run goes on, so it must be deterministic: it decides by its
arguments and by what it awaited, and by nothing else: no clock, no chance, no I/O, no global that changes. An await
of anything but these operations is refused when it happens.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Generator
from datetime import datetime
from typing import Any, Generic, TypeVar, overload

from interlock.model.clock import to_datetime
from interlock.model.problems import Rejected
from interlock.sdk.context import CallRequest, Context
from interlock.sdk.duration import seconds_of
from interlock.sdk.flow import contract_of
from interlock.sdk.reply import Reply

T = TypeVar("T")
E = TypeVar("E")
Undo = Callable[[Any, Context], Awaitable[Any]]


class StepFailed(Exception):
    """A step failed for good: refused by the target, rejected, or out of attempts. `code` says why."""

    def __init__(self, step: str, code: str, reply: Reply | None = None) -> None:
        super().__init__(f"{step}: {code}")
        self.step = step
        self.code = code
        self.reply = reply


class TimedOut(StepFailed):
    """What was waited for did not come in time."""


class Operation(Generic[T]):
    """Something that the engine does for a saga. Await it, or give it to `gather`; once only."""

    __slots__ = ("__weakref__",)

    def __await__(self) -> Generator[Operation[T], Any, T]:
        result: T = yield self
        return result


class StepOperation(Operation[T]):
    __slots__ = ("arguments", "function", "key", "name", "undo")

    def __init__(
        self, function: Callable[..., Any], arguments: tuple[Any, ...], name: str, key: str | None, undo: Undo | None
    ) -> None:
        self.function = function
        self.arguments = arguments
        self.name = name
        self.key = key
        self.undo = undo


class WaitOperation(Operation[T]):
    __slots__ = ("event_key", "event_type", "key", "model", "name", "timeout_seconds")

    def __init__(
        self, event_type: str, model: Any, event_key: str, timeout_seconds: float | None, name: str, key: str | None
    ) -> None:
        self.event_type = event_type
        self.model = model
        self.event_key = event_key
        self.timeout_seconds = timeout_seconds
        self.name = name
        self.key = key


class SleepOperation(Operation[None]):
    __slots__ = ("key", "name", "seconds")

    def __init__(self, seconds: float, name: str, key: str | None) -> None:
        self.seconds = seconds
        self.name = name
        self.key = key


class GatherOperation(Operation[tuple[Any, ...]]):
    __slots__ = ("branches",)

    def __init__(self, branches: tuple[Operation[Any] | Coroutine[Any, Any, Any], ...]) -> None:
        self.branches = branches


class ChildOperation(Operation[T]):
    __slots__ = ("body", "key", "name")

    def __init__(self, body: Coroutine[Any, Any, T], name: str, key: str | None) -> None:
        self.body = body
        self.name = name
        self.key = key


class SagaContext:
    """The second argument of a saga. Every method returns an operation to await."""

    __slots__ = ("_started_us", "run")

    def __init__(self, run: str, started_us: int) -> None:
        self.run = run
        self._started_us = started_us

    @property
    def now(self) -> datetime:
        """When the starting event was accepted: the same whenever the code runs again."""
        return to_datetime(self._started_us)

    @overload
    def step(
        self,
        function: Callable[..., Coroutine[Any, Any, CallRequest]],
        *arguments: Any,
        name: str | None = None,
        key: str | None = None,
        undo: Undo | None = None,
    ) -> Operation[Reply]: ...

    @overload
    def step(
        self,
        function: Callable[..., Coroutine[Any, Any, T]],
        *arguments: Any,
        name: str | None = None,
        key: str | None = None,
        undo: Undo | None = None,
    ) -> Operation[T]: ...

    def step(
        self,
        function: Callable[..., Coroutine[Any, Any, Any]],
        *arguments: Any,
        name: str | None = None,
        key: str | None = None,
        undo: Undo | None = None,
    ) -> Operation[Any]:
        """Run `function(*arguments, ctx)` once: what it puts, emits and calls, and its result, are one commit.

        The result is JSON data, or of the type that the function is annotated with. A function that returns what
        `ctx.call` gave it ends with the target's answer, a `Reply`; a refusal (4xx) raises StepFailed. `undo(result,
        ctx)` is run when the saga fails later. `name` is the function's own otherwise; `key` tells steps of one
        name apart, in loops and in parallel branches.
        """
        return StepOperation(function, arguments, name or _name_of(function), key, undo)

    @overload
    def wait_for(
        self, event: type[E], *, key: str, timeout: str | float | None = None, name: str | None = None
    ) -> Operation[E]: ...

    @overload
    def wait_for(
        self, event: str, *, key: str, timeout: str | float | None = None, name: str | None = None
    ) -> Operation[dict[str, Any]]: ...

    def wait_for(
        self, event: type | str, *, key: str, timeout: str | float | None = None, name: str | None = None
    ) -> Operation[Any]:
        """The next event of the type whose partition key is `key`, accepted since the run began. TimedOut after that.

        The flow declares what its sagas wait for: `@flow.saga(..., waits_for=[...])`.
        """
        event_type = event if isinstance(event, str) else contract_of(event)
        model = event if isinstance(event, type) else dict[str, Any]
        seconds = None if timeout is None else seconds_of(timeout)
        return WaitOperation(event_type, model, key, seconds, name or event_type, None)

    def sleep(self, span: str | float, *, name: str = "sleep", key: str | None = None) -> Operation[None]:
        """Go on after the span: "90s", "2h", "5d". Costs a row, not memory."""
        return SleepOperation(seconds_of(span), name, key)

    def gather(self, *branches: Operation[Any] | Coroutine[Any, Any, Any]) -> Operation[tuple[Any, ...]]:
        """Run branches side by side; their results in order. The first failure ends the others' further steps."""
        return GatherOperation(branches)

    def child(
        self,
        saga: Callable[..., Coroutine[Any, Any, T]],
        *arguments: Any,
        name: str | None = None,
        key: str | None = None,
    ) -> Operation[T]:
        """Run `saga(*arguments, ctx)` as a part of this run that undoes its own steps when it fails.

        Its failure may be caught here. When it succeeded and this saga fails later, its steps are undone too.
        """
        return ChildOperation(saga(*arguments, self), name or _name_of(saga), key)

    def fail(self, reason: str, detail: str = "") -> None:
        """End here: all finished steps are undone. `reason` is a code."""
        raise Rejected(reason, detail)


def _name_of(function: Callable[..., Any]) -> str:
    name = getattr(function, "__name__", "")
    if not name or name == "<lambda>":
        raise ValueError("a step needs a name: give it a named function, or name=")
    return name
