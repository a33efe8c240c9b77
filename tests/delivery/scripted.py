"""A target that does as the script says, and the rows and systems that the tests of the deliverer use."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock.delivery.deliverer import Deliverer
from interlock.delivery.limits import DeliveryLimits
from interlock.model.problems import TargetUnavailable
from interlock.model.record import DeliveryRow, DeliveryState, StartRow
from interlock.model.retry import RetrySchedule
from interlock.model.step import Commit, Step, StepResult
from interlock.ports.http_client import HttpAnswer
from interlock.testing.fake_clock import FakeClock, settle
from interlock.testing.seeded_ids import SeededIds

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"amount":"12.10"}'
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


TWICE_MORE = RetrySchedule((5, 300), jitter=0)


@dataclass(frozen=True)
class FakeOperation:
    name: str = "charge"
    method: str = "POST"
    path: str = "/charges"
    timeout_seconds: float = 5.0
    retry: RetrySchedule = TWICE_MORE
    concurrency: int = 8


@dataclass(frozen=True)
class FakeSystem:
    name: str = "payments"
    owner: str = "team-payments"
    base_url: str = "http://payments.test"
    secret_ref: str | None = "env:PAYMENTS_SECRET"
    operations: Mapping[str, Any] = field(default_factory=lambda: {"charge": FakeOperation()})


def system(name: str = "payments", base_url: str | None = None, **operation: Any) -> FakeSystem:
    made = FakeOperation(**operation)
    return FakeSystem(name, base_url=base_url or f"http://{name}.test", operations={made.name: made})


def row(number: int, due_us: int = 0, system: str = "payments", body: bytes = BODY, **more: Any) -> DeliveryRow:
    made = DeliveryRow(
        id=f"d{number:06d}",
        flow="fulfil-order",
        partition=0,
        position=number,
        generation=0,
        key_hash=number,
        event_id=f"e{number}",
        correlation=f"c{number}",
        trace=TRACE,
        system=system,
        operation=f"{system}.charge",
        step=f"{system}.charge",
        idempotency_key=f"key-{number}",
        state=DeliveryState.PENDING,
        attempts=0,
        due_us=due_us,
        created_us=due_us,
        body=body,
    )
    return made._replace(**more)


Scripted = int | str | HttpAnswer
Script = Callable[[str, int], Scripted]


class ScriptedClient:
    """Answers `script(webhook-id, n-th call of it)`: a status, a whole answer, or an error code. Waits while held."""

    def __init__(self, script: Script = lambda _id, _n: 200) -> None:
        self.script = script
        self.sent: list[dict[str, str]] = []
        self.urls: list[str] = []
        self.out = 0
        self.most_out = 0
        self.gate = asyncio.Event()
        self.gate.set()

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers in self.sent]

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> HttpAnswer:
        self.sent.append(dict(headers))
        self.urls.append(url)
        nth = self.ids.count(headers["webhook-id"])
        self.out += 1
        self.most_out = max(self.most_out, self.out)
        try:
            await self.gate.wait()
        finally:
            self.out -= 1
        answer = self.script(headers["webhook-id"], nth)
        if isinstance(answer, str):
            raise TargetUnavailable(f"{answer}: scripted.")
        return HttpAnswer(answer, {}, b"{}") if isinstance(answer, int) else answer

    async def close(self) -> None: ...


class Bench:
    """A deliverer on a memory store, with a clock that the test moves."""

    def __init__(self, store: Any, epoch: int, clock: FakeClock) -> None:
        self.store = store
        self.epoch = epoch
        self.clock = clock
        self.client = ScriptedClient()
        self.systems: dict[str, Any] = {"payments": system()}
        self.replies = frozenset({"payments.charge"})
        self.limits = DeliveryLimits()

    def deliverer(self, client: Any = None) -> Deliverer:
        return Deliverer(
            self.store,
            client or self.client,
            self.systems,
            dict.fromkeys(self.systems, SECRET),
            self.clock,
            SeededIds(1),
            self.epoch,
            self.replies,
            self.limits,
        )

    async def ask(self, *rows: DeliveryRow) -> list[DeliveryRow]:
        """Commit the rows as the engine would, as calls of a step."""
        await submit(self.store, Commit(self.epoch, [Step(result=StepResult(calls=rows))], [], []))
        return list(rows)

    async def state(self, delivery_id: str) -> DeliveryRow:
        found = await self.store.delivery(delivery_id)
        assert found is not None
        return found

    async def states(self, ids: Iterable[str]) -> list[DeliveryState]:
        return [(await self.state(one)).state for one in ids]


async def submit(store: Any, commit: Commit) -> None:
    done = asyncio.get_running_loop().create_future()
    store.submit(commit, lambda outcomes, problem: done.set_result((outcomes, problem)))
    outcomes, problem = await done
    assert problem is None, problem
    assert all(outcome is None for outcome in outcomes), outcomes


async def bench_on(store: Any) -> Bench:
    epoch = await store.acquire(StartRow(0, 0, "test", "shop", "aa", "bb"), {"fulfil-order": ["orders.OrderPlaced"]})
    return Bench(store, epoch, FakeClock())


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait in real time: sockets do not know the fake clock."""
    for _ in range(int(seconds / 0.005)):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not come about in time")


__all__ = ["BODY", "SECRET", "TRACE", "Bench", "FakeSystem", "ScriptedClient", "bench_on", "row", "settle", "submit"]
