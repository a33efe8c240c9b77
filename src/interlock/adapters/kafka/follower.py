"""Hears what anybody appends to the followed partitions: one consumer on a thread, from their heads on."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from interlock.adapters.kafka.client import consumer
from interlock.adapters.kafka.decoding import Decoder
from interlock.model.event import Stored
from interlock.model.lasting_task import report
from interlock.model.pauses import spread

WAIT_MS = 100
POLL_SECONDS = 0.1
READY_EVENTS = 1000
PAUSE_SECONDS = 0.2
NAME = "hearing of the Kafka topic"


class Heard(NamedTuple):
    """Of one partition, in order, up to `reach`. `gap`: what was between the last time and `reach` is not here."""

    partition: int
    events: Sequence[Stored]
    reach: int
    gap: bool


class Assignment(NamedTuple):
    """Where to read on, by partition; `known` is resolved when the end of each was seen once."""

    offsets: Mapping[int, int]
    known: asyncio.Future[None]


class Follower:
    """`heard(batch)` is called on the event loop, in order. A broker that is away costs silence, never an event.

    The thread only waits for something to come; while the event loop takes it, the thread stands still. So the consumer
    is never used by both, what the loop has not taken stays in the driver's bounded queue, and decoding on a thread
    does not fight the loop for the interpreter.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        topic: str,
        decoder: Decoder,
        heard: Callable[[Sequence[Heard]], None],
        reach: Callable[[int], int],
        wait_ms: int = WAIT_MS,
    ) -> None:
        self._consumer: Consumer = consumer({**settings, "queued.max.messages.kbytes": 16_384}, wait_ms=wait_ms)
        self._topic = topic
        self._decoder = decoder
        self._heard = heard
        self._reach = reach  # up to where a partition is known already, from the acknowledgements of our own events
        self._loop = asyncio.get_running_loop()
        self._wanted: Assignment | None = None
        self._unseen: set[int] = set()
        self._known: asyncio.Future[None] | None = None
        self._places: dict[int, int] = {}
        self._held: dict[int, list[Stored]] = {}
        self._taken = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kafka-follower", daemon=True)
        self._thread.start()

    def assign(self, offsets: Mapping[int, int]) -> asyncio.Future[None]:
        """Read these partitions from these offsets on, instead of what was read. Done at the end of each, as it is."""
        known = self._loop.create_future()
        self._wanted = Assignment(offsets, known)
        return known

    async def close(self) -> None:
        self._ended.set()
        self._taken.set()
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._turn()
            except KafkaException:
                self._ended.wait(spread(PAUSE_SECONDS, random.random))
            except RuntimeError:  # the loop is closed
                break
            except Exception as error:
                self._loop.call_soon_threadsafe(report, self._loop, NAME, error)
                break
        self._consumer.close()

    def _turn(self) -> None:
        wanted, self._wanted = self._wanted, None
        if wanted is not None:
            self._take(wanted)
        first = self._consumer.poll(POLL_SECONDS)
        if first is not None:
            self._taken.clear()
            self._loop.call_soon_threadsafe(self._come, [first])
            self._taken.wait()

    def _come(self, first: list[Message[Any, Any]]) -> None:
        """On the event loop: take what there is, in portions, then let the thread wait again."""
        if self._ended.is_set():
            self._taken.set()
            return
        try:
            messages = [*first, *self._consumer.consume(READY_EVENTS, timeout=0)]
            self._pass(messages)
        except KafkaException:
            self._taken.set()
            return
        except Exception as error:  # the thread is left waiting: it would take this for heard
            report(self._loop, NAME, error)
            return
        if len(messages) > READY_EVENTS and self._wanted is None:
            self._loop.call_soon(self._come, [])
        else:
            self._taken.set()

    def _take(self, wanted: Assignment) -> None:
        self._places = dict(wanted.offsets)
        self._held = {partition: [] for partition in wanted.offsets}  # what was held is read again
        self._unseen, self._known = set(wanted.offsets), wanted.known
        self._consumer.assign([TopicPartition(self._topic, place, at) for place, at in wanted.offsets.items()])
        self._see(None)

    def _pass(self, messages: Sequence[Message[Any, Any]]) -> None:
        batch: dict[int, Heard] = {}
        ends: list[int] = []
        for message in messages:
            partition, error = message.partition(), message.error()
            if partition is None or partition not in self._places:
                continue
            if error is None:
                self._collect(batch, partition, message)
            elif error.code() == KafkaError._PARTITION_EOF:
                self._end(batch, partition, message)
                ends.append(partition)
            elif error.code() in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):
                batch[partition] = self._jump(partition)
        if batch:
            self._heard(list(batch.values()))
        for partition in ends:
            self._see(partition)

    def _collect(self, batch: dict[int, Heard], partition: int, message: Message[Any, Any]) -> None:
        """A call of several events is told when its last one is here."""
        offset = message.offset()
        assert offset is not None
        self._places[partition] = offset + 1
        if offset < self._reach(partition):
            return
        (stored, more), held = self._decoder.stored(message), self._held[partition]
        if stored is not None:
            held.append(stored)
        if more and len(held) < READY_EVENTS:
            return
        self._release(batch, partition, offset + 1)

    def _end(self, batch: dict[int, Heard], partition: int, message: Message[Any, Any]) -> None:
        """Nothing follows: what is held of a call is all that there is of it, and marks of transactions are passed."""
        offset = message.offset()
        if offset is not None:
            self._release(batch, partition, max(offset, self._places[partition]))

    def _release(self, batch: dict[int, Heard], partition: int, reach: int) -> None:
        before = batch.get(partition)
        events = [*before.events, *self._held[partition]] if before is not None else self._held[partition]
        self._held[partition] = []
        batch[partition] = Heard(partition, events, reach, before is not None and before.gap)

    def _jump(self, partition: int) -> Heard:
        """What comes next expired before we heard it: go on with what is there. Readers are told by `Fetcher`."""
        place = TopicPartition(self._topic, partition)
        found = self._consumer.get_watermark_offsets(place, timeout=5)
        if found is None:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        self._places[partition], self._held[partition] = found[0], []
        self._consumer.assign([TopicPartition(self._topic, one, at) for one, at in self._places.items()])
        return Heard(partition, [], found[0], True)

    def _see(self, partition: int | None) -> None:
        """Count off those whose end is known."""
        self._unseen.discard(partition if partition is not None else -1)
        if not self._unseen and self._known is not None:
            self._loop.call_soon_threadsafe(resolve, self._known)
            self._known = None


def resolve(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
