"""The order of the append calls, kept over two producers and over their failures.

Calls of one event stream through an idempotent producer. A call of several events goes in a transaction, which waits
until the stream is empty and takes along what stands in the queue behind it; meanwhile nothing streams. So a partition
receives records in the order of the calls.

When something fails, all that was behind it fails too: the producer is given up with everything in flight, since a
later event must not overtake. Brokers take a producer's records in order, so what got through is a first part of what
was sent; whoever sends the rest again, in order, has its order. Until the brokers answer again, calls are refused at
once: there is nothing to wait for and nothing grows.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from interlock.adapters.kafka.call import Call
from interlock.adapters.kafka.stream import Reports, Stream
from interlock.adapters.kafka.transactions import Transactions
from interlock.adapters.kafka.trouble import away, error_of, in_words, problem_of
from interlock.model.lasting_task import lasting
from interlock.model.pauses import spread
from interlock.model.problems import Problem, StorageUnavailable

log = logging.getLogger(__name__)

WATCH_SECONDS = 0.25
PROBE_SECONDS = 1.0
TRANSACTION_BYTES = 8 << 20
TRANSACTION_CALLS = 1000

Answered = Callable[[Sequence[Call], Problem | None], None]


class Outgoing:
    """Use from the event loop. `answered(calls, problem)` is called on it, once for each call that was added.

    `probe` waits until the topic's leaders answer or raises KafkaException; it runs on a thread.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        topic: str,
        answered: Answered,
        probe: Callable[[float], None],
        timeout_seconds: float,
    ) -> None:
        self._settings = settings
        self._topic = topic
        self._answered = answered
        self._probe = probe
        self._timeout_seconds = timeout_seconds
        self._loop = asyncio.get_running_loop()
        self._threads = ThreadPoolExecutor(2, "kafka-outgoing")
        self._identifier = f"{topic}.{os.urandom(8).hex()}"  # of transactions; no other process may have it
        self._stream = Stream(settings, topic, self._settle)
        self._transactions: Transactions | None = None
        self._flying: dict[Call, None] = {}  # in the order of their sending
        self._queue: deque[Call] = deque()
        self._committing: list[Call] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._away: Problem | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self._watch = self._loop.call_later(WATCH_SECONDS, self._look)

    @property
    def away(self) -> Problem | None:
        """Why calls are refused at present."""
        return self._away

    def add(self, call: Call) -> None:
        self._idle.clear()
        if not self._queue and not self._committing:
            self._loop.call_soon(self._pump)  # all of a turn at once: a thread of the driver wakes for each burst
        self._queue.append(call)

    async def close(self) -> None:
        """Wait for what was added; it ends by the deadline of the calls."""
        await self._idle.wait()
        self._watch.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._stream.abandon()
        if self._transactions is not None:
            self._transactions.close()
        self._threads.shutdown(wait=False)

    def _pump(self) -> None:
        """Send what may be sent now."""
        while self._queue and not self._committing:
            if len(self._queue[0].records) != 1:
                if not self._flying:
                    self._begin()
                return
            call = self._queue.popleft()
            call.sent_at = self._loop.time()
            self._flying[call] = None
            try:
                self._stream.send(call)
            except (KafkaException, BufferError) as error:
                self._give_up(away(self._topic, str(error)))
                return

    def _begin(self) -> None:
        """One transaction for as much of the queue as is sensible."""
        size = 0
        while self._queue and size < TRANSACTION_BYTES and len(self._committing) < TRANSACTION_CALLS:
            call = self._queue.popleft()
            size += sum(record.size for record in call.records)
            self._committing.append(call)
        self._start(self._commit(list(self._committing)))

    async def _commit(self, calls: list[Call]) -> None:
        try:
            if self._transactions is None:
                self._transactions = Transactions(self._settings, self._topic, self._identifier, self._timeout_seconds)
                await self._loop.run_in_executor(self._threads, self._transactions.prepare)
            self._transactions.send(calls)
            await self._loop.run_in_executor(self._threads, self._transactions.commit)
        except KafkaException as raised:
            self._give_up(problem_of(error_of(raised), self._topic))
        except BufferError as error:
            self._give_up(away(self._topic, str(error)))
        else:
            self._committing = []
            self._answered(calls, None)
            self._pump()
            self._rest()

    def _settle(self, batch: Reports, fatal: KafkaError | None) -> None:
        landed: list[Call] = []
        for call, error in batch:
            if error is not None:
                self._land(landed)
                self._fail(call, error)
                return
            landed.append(call)
        self._land(landed)
        if fatal is not None:
            self._give_up(away(self._topic, in_words(fatal)))
            return
        self._pump()
        self._rest()

    def _land(self, calls: list[Call]) -> None:
        for call in calls:
            del self._flying[call]
        if calls:
            self._answered(calls, None)

    def _fail(self, call: Call, error: KafkaError) -> None:
        """The event itself may be at fault: then its sender is told, and those behind it that they may try again."""
        problem = problem_of(error, self._topic)
        if not isinstance(problem, StorageUnavailable):
            del self._flying[call]
            self._answered([call], problem)
            problem = away(self._topic, "an event before this one was refused")
        self._give_up(problem)

    def _give_up(self, problem: Problem) -> None:
        calls = [*self._flying, *self._committing, *self._queue]
        self._flying.clear()
        self._queue.clear()
        self._committing = []
        self._stream.abandon()
        if self._transactions is not None:
            self._transactions.close()
            self._transactions = None
        self._away = problem
        log.warning("log.away", extra={"code": problem.code, "calls": len(calls)})
        self._answered(calls, problem)
        self._start(self._return())
        self._rest()

    async def _return(self) -> None:
        """Until the brokers answer; then with new producers."""
        while True:
            try:
                await self._loop.run_in_executor(self._threads, self._probe, PROBE_SECONDS)
            except KafkaException:
                await asyncio.sleep(spread(PROBE_SECONDS, random.random))
            else:
                break
        self._stream = Stream(self._settings, self._topic, self._settle)
        self._away = None
        log.info("log.back")

    def _look(self) -> None:
        """Nothing stays in flight beyond the deadline."""
        self._watch = self._loop.call_later(WATCH_SECONDS, self._look)
        oldest = next(iter(self._flying), None)
        if oldest is not None and self._loop.time() - oldest.sent_at > self._timeout_seconds:
            self._give_up(away(self._topic, f"no acknowledgement within {self._timeout_seconds:g} seconds"))

    def _rest(self) -> None:
        if not self._flying and not self._queue and not self._committing:
            self._idle.set()

    def _start(self, work: Any) -> None:
        task = lasting(work, "Kafka producer")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
