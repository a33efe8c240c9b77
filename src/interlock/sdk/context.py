"""What a handler may ask for. The context only collects; the engine commits it together, after the handler returned."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

import msgspec

from interlock.model.clock import to_datetime
from interlock.model.event import Event
from interlock.model.problems import Rejected
from interlock.model.step import Add, Put, Read


class StateReader(Protocol):
    """Committed state, as the context reads it."""

    async def get(self, table: str, key: str) -> tuple[bytes, int] | None: ...

    async def counter(self, table: str, key: str) -> int: ...


class Skipped(Exception):
    """Raised by `ctx.skip`: the handling ends as skipped, without effects."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class CallRequest:
    """An outside call that the handler asked for."""

    __slots__ = ("body", "operation", "step")

    def __init__(self, operation: str, step: str, body: Mapping[str, Any]) -> None:
        self.operation = operation
        self.step = step
        self.body = body


class Counter:
    """A hot number with bounds: adds never conflict, they are applied or refused at the commit."""

    __slots__ = ("_context", "_key", "_table")

    def __init__(self, context: Context, table: str, key: str) -> None:
        self._context = context
        self._table = table
        self._key = key

    async def value(self) -> int:
        """The committed value. A take that it promised and the commit then refuses runs the handler again."""
        self._context.counters_read = True
        return await self._context.reader.counter(self._table, self._key)

    def take(self, amount: int, floor: int = 0) -> None:
        """Subtract; refused when the counter would fall below `floor`."""
        if amount < 0:
            raise ValueError("take a positive amount, or use add")
        self._context.adds.append(Add(self._table, self._key, -amount, floor, None))

    def add(self, amount: int, ceiling: int | None = None) -> None:
        """Add; refused when the counter would rise above `ceiling`."""
        if amount < 0:
            raise ValueError("add a positive amount, or use take")
        self._context.adds.append(Add(self._table, self._key, amount, None, ceiling))


class Context:
    """One run of one handler. Not to be kept after the handler returned."""

    __slots__ = ("adds", "calls", "counters_read", "emits", "event", "flow", "generation", "puts", "reader", "reads")

    def __init__(self, flow: str, event: Event, generation: int, reader: StateReader) -> None:
        self.flow = flow
        self.event = event
        self.generation = generation
        self.reader = reader
        self.counters_read = False
        self.reads: list[Read] = []
        self.puts: list[Put] = []
        self.adds: list[Add] = []
        self.emits: list[Any] = []
        self.calls: list[CallRequest] = []

    @property
    def now(self) -> datetime:
        """When the event was accepted: the same in every attempt, so that a retry decides alike."""
        return to_datetime(self.event.time_us)

    async def get(self, table: str, key: str, model: Any = Any) -> Any:
        """The committed value as JSON data, or as `model`; None when absent. The commit checks that it still holds."""
        found = await self.reader.get(table, key)
        if found is None:
            self.reads.append(Read(table, key, 0))
            return None
        value, version = found
        self.reads.append(Read(table, key, version))
        return msgspec.json.decode(value, type=model)

    def put(self, table: str, key: str, value: Any) -> None:
        """Store a JSON value. Written blind unless the handler also read it."""
        self.puts.append(Put(table, key, msgspec.json.encode(value)))

    def delete(self, table: str, key: str) -> None:
        self.puts.append(Put(table, key, None))

    def counter(self, table: str, key: str) -> Counter:
        return Counter(self, table, key)

    def emit(self, fact: Any) -> None:
        """Publish a fact: an instance of a generated contract class, validated before the commit."""
        self.emits.append(fact)

    def call(self, operation: str, *, step: str | None = None, **body: Any) -> CallRequest:
        """Call an operation of a system (`payments.charge`) after the commit, with a stable idempotency key.

        The key is made of event, flow and step; two calls of one operation in one run need a `step` name each.
        A step of a saga that returns what it got here ends with the target's answer.
        """
        name = step or operation
        if any(call.step == name for call in self.calls):
            raise ValueError(f"two calls with the step name {name}: give each its own step=")
        self.calls.append(CallRequest(operation, name, body))
        return self.calls[-1]

    def skip(self, reason: str) -> None:
        """End here: nothing that was asked for happens, and the handling counts as skipped."""
        raise Skipped(reason)

    def reject(self, reason: str, detail: str = "") -> None:
        """End here: dead-letter at once, without retries. `reason` is a code, `detail` may hold values."""
        raise Rejected(reason, detail)
