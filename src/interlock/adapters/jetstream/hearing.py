"""Hears what any process appended, in order: an ordered consumer, made anew whenever it might have missed something.

The consumer keeps nothing for us: it starts behind the last position that was heard, counts its deliveries, and a gap
in that count ends it. So a lost connection, another leader or a dropped message costs a pause, never an event, and
none is heard twice.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import orjson
from nats.aio.msg import Msg
from nats.errors import Error

from interlock.adapters.jetstream.link import ApiRefusal, Link, in_place
from interlock.adapters.jetstream.reader import Found
from interlock.adapters.jetstream.subjects import partition_filter
from interlock.model.lasting_task import lasting
from interlock.model.pauses import Pauses
from interlock.model.problems import Problem

PULL_MESSAGES = 512
PULL_BYTES = 4_194_304
PULL_SECONDS = 30
HEARTBEAT_SECONDS = 1
SILENCE_SECONDS = 3.5
MOMENT_SECONDS = 0.01
WENT_BACK_CHECKS = 5
IDLE_SECONDS = 30  # after it the servers forget a consumer that nobody pulls from
PAUSE_SECONDS = (0.02, 1.0)
SECOND_NS = 1_000_000_000

Heard = Callable[[Sequence[Found]], None]


class Hearing:
    """Calls `heard` with messages in the order of the stream. `follow` chooses the partitions."""

    def __init__(
        self,
        link: Link,
        stream: str,
        last: int,
        heard: Heard,
        known: Callable[[], int],
        went_back: Callable[[int], None],
    ) -> None:
        """`last`: what lies above it is news. `went_back` is told when the stream ends below what was `known`."""
        self._known = known
        self._link = link
        self._stream = stream
        self.last = last
        self._heard = heard
        self._went_back = went_back
        self._whole = True  # all partitions are followed
        self._filters = [f"{stream}.p.>"]
        self._changed = asyncio.Event()
        self._closed = False
        self._news: asyncio.Event = asyncio.Event()
        self._open: list[Found] = []  # of a batch that is not complete
        self._batch: str | None = None
        self._ready: list[Found] = []
        self._flushing = False  # soon
        self._task = lasting(self._run(), "hearing of the NATS stream")
        link.watch(self._changed.set)

    def follow(self, partitions: Sequence[int] | None, last: int) -> None:
        """Hear of these partitions from `last` on; None: of all."""
        self._whole = partitions is None
        if partitions is None:
            self._filters = [f"{self._stream}.p.>"]
        else:
            self._filters = [partition_filter(self._stream, partition) for partition in sorted(partitions)]
        self.last = last
        self._open, self._ready, self._batch = [], [], None
        self._changed.set()

    async def close(self) -> None:
        self._closed = True  # a cancellation can be lost in the driver's own waits
        self._changed.set()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        pauses = Pauses(*PAUSE_SECONDS, random.random)
        while not self._closed:
            self._changed.clear()
            before = self.last
            with suppress(Problem, ApiRefusal, Error, OSError, TimeoutError):
                await self._session()
            self._flush()
            self._open, self._batch = [], None
            if self._changed.is_set() or self.last > before:
                pauses.begin_anew()
            await asyncio.sleep(next(pauses))

    async def _session(self) -> None:
        """One consumer, until something is wrong with it, or others are to be followed."""
        async with asyncio.timeout(SILENCE_SECONDS):
            await self._link.up.wait()
        if not self._filters:
            await self._changed.wait()
            return
        name = f"interlock-{random.getrandbits(64):016x}"
        await self._check_end()
        start = self.last + 1
        await self._link.request(f"CONSUMER.CREATE.{self._stream}.{name}", self._consumer(name, start), seconds=5)
        try:
            await self._pull(name)
        finally:
            with suppress(Problem, ApiRefusal):
                await self._link.request(f"CONSUMER.DELETE.{self._stream}.{name}")

    async def _check_end(self) -> None:
        """A stream that ends, and goes on ending, below what was acknowledged or heard has lost it."""
        reached = max(self.last, self._known())  # before it is asked: what is acknowledged meanwhile it need not show
        for _ in range(WENT_BACK_CHECKS):
            info = await self._link.request(f"STREAM.INFO.{self._stream}")
            if (found := int(info["state"]["last_seq"])) >= reached:
                return
            await asyncio.sleep(HEARTBEAT_SECONDS)  # a new leader may still be applying
        self._went_back(found)

    def _consumer(self, name: str, start: int) -> dict[str, Any]:
        config: dict[str, Any] = {
            "name": name,
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": start,
            "ack_policy": "none",
            "replay_policy": "instant",
            "mem_storage": True,
            "num_replicas": 1,
            "inactive_threshold": IDLE_SECONDS * SECOND_NS,
        }
        if len(self._filters) == 1:
            config["filter_subject"] = self._filters[0]
        else:
            config["filter_subjects"] = self._filters
        return {"stream_name": self._stream, "config": config, "action": "create"}

    async def _pull(self, name: str) -> None:
        deliveries, wrong, left = 0, False, 0
        self._news.clear()

        def arrived(message: Msg) -> None:
            nonlocal deliveries, wrong, left
            self._news.set()
            headers = message.headers or {}
            if wrong or self._changed.is_set():
                return
            if (status := headers.get("Status")) is not None:
                if status != "100":  # a heartbeat; anything else ends this pull or the consumer
                    left = 0
                    wrong = status not in ("404", "408") and "Completed" not in str(headers.get("Description"))
                return
            position, delivery, stored_us = _places(message.reply)
            if not self.in_order(delivery, deliveries):
                wrong = True
                return
            deliveries, left = delivery, left - 1
            self._take(Found(position, message.subject, headers, message.data, stored_us))

        client = self._link.client
        reply = client.new_inbox()
        # Of its own: deliveries carry the subject of the message, so they cannot be told apart by theirs.
        inbox = await client.subscribe(reply, cb=in_place(arrived))
        try:
            while not wrong and not self._changed.is_set():
                if left <= PULL_MESSAGES // 4:
                    left += PULL_MESSAGES
                    await client.publish(f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{name}", _NEXT, reply=reply)
                await self._wait()
        finally:
            with suppress(Error, OSError):
                await inbox.unsubscribe()

    def in_order(self, delivery: int, before: int) -> bool:
        """Whether the delivery follows the one before: the consumer counts them from 1."""
        return delivery == before + 1

    async def _wait(self) -> None:
        """For news, for a change, or in vain: TimeoutError."""
        self._news.clear()
        waits = [asyncio.ensure_future(event.wait()) for event in (self._news, self._changed)]
        try:
            done, _ = await asyncio.wait(waits, timeout=SILENCE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if not done:
            raise TimeoutError

    def _take(self, found: Found) -> None:
        """Messages of one batch are told together: those of a call appear together.

        Where some partitions are not followed, the end of a batch may not be heard: then it is waited for a moment.
        """
        batch = found.headers.get("Nats-Batch-Id")
        if batch != self._batch:
            self._ready += self._open
            self._open, self._batch = [], batch
        self._open.append(found)
        if batch is None or "Nats-Batch-Commit" in found.headers:
            self._end_batch()
        elif not self._whole:
            asyncio.get_running_loop().call_later(MOMENT_SECONDS, self._quiet, len(self._open), batch)
        if self._ready and not self._flushing:
            self._flushing = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _end_batch(self) -> None:
        self._ready += self._open
        self._open, self._batch = [], None

    def _quiet(self, count: int, batch: str) -> None:
        if (len(self._open), self._batch) == (count, batch):
            self._end_batch()
            self._flush()

    def _flush(self) -> None:
        self._flushing = False
        ready, self._ready = self._ready, []
        if ready:
            self.last = ready[-1].position
            self._heard(ready)


_NEXT = orjson.dumps(
    {
        "batch": PULL_MESSAGES,
        "max_bytes": PULL_BYTES,
        "expires": PULL_SECONDS * SECOND_NS,
        "idle_heartbeat": HEARTBEAT_SECONDS * SECOND_NS,
    }
)


def _places(reply: str) -> tuple[int, int, int]:
    """Position, number of the delivery and time in µs, from the subject of an acknowledgement."""
    tokens = reply.split(".")
    at = 5 if len(tokens) == 9 else 7  # newer servers put domain and account in front
    return int(tokens[at]), int(tokens[at + 1]), int(tokens[at + 2]) // 1000
