"""EventLog on the Kafka protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from interlock.adapters.audience import Audience
from interlock.adapters.kafka.address import parse
from interlock.adapters.kafka.call import Call
from interlock.adapters.kafka.client import client_settings, consumer
from interlock.adapters.kafka.decoding import Decoder
from interlock.adapters.kafka.fetcher import Fetcher
from interlock.adapters.kafka.follower import WAIT_MS, Follower, Heard
from interlock.adapters.kafka.foreign import ForeignEvents
from interlock.adapters.kafka.outgoing import Outgoing
from interlock.adapters.kafka.tail import Tail
from interlock.adapters.kafka.topic import Facts, TopicCheck, Wanted, partitions_of
from interlock.adapters.kafka.trouble import Told, away, error_of, problem_of
from interlock.adapters.kafka.wire import records_of
from interlock.model.event import Event, Stored
from interlock.model.problems import BodyTooLarge, Closed, Problem, TooManyRequests
from interlock.ports.event_log import AppendDone, Listener, LogCapabilities, Slice

RETRY_AFTER_SECONDS = 1
LATEST: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]
TIMEOUT_SECONDS = 10.0


class KafkaLog:
    """One topic; its partitions are the log's; position is offset + 1. Use from one event loop only.

    Accepted means: acknowledged by all replicas in sync (`acks=all`). Kafka does not flush to disk before it
    acknowledges: an event outlives the crash of a machine because other machines have it, so `replicated` is promised
    only for a topic with at least two replicas in sync, else `acknowledged`.

    The log does not dedupe: a resend gets a position of its own, and who reads skips it by the claims of the state
    store. A call that failed may be in the log all the same, since a broker may have taken it without our hearing so;
    sent again, in order, it is in order.

    The events of one call are a transaction, and readers see committed ones only.
    """

    def __init__(
        self, facts: Facts, secret: bytes, limit_pending: int, settings: dict[str, Any], wanted: Wanted, wait_ms: int,
        timeout_seconds: float,
    ) -> None:  # fmt: skip
        self._facts = facts
        self._secret = secret
        self._limit_pending = limit_pending
        self._topic = wanted.topic
        self._audience = Audience()
        self._tail = Tail()
        self._heads = [0] * facts.partitions
        self._pending = 0
        self._closed = False
        self._decoder = Decoder(ForeignEvents(secret))
        sending = {**settings, "message.max.bytes": facts.message_bytes}
        self._admin = AdminClient(settings)
        self._prober: Consumer = consumer(settings, wait_ms=100)
        self._outgoing = Outgoing(sending, self._topic, self._answered, self._probe, timeout_seconds)
        self._fetcher = Fetcher(settings, self._topic, self._decoder, timeout_seconds)
        self._follower = Follower(settings, self._topic, self._decoder, self._hear, self._tail.reach, wait_ms)
        self._timeout_seconds = timeout_seconds

    @classmethod
    async def open(
        cls,
        brokers: str,
        *,
        topic: str,
        partitions: int,
        secret: bytes,
        identity: str | None = None,
        limit_pending: int = 65_536,
        replicas: int = 1,
        create: bool = True,
        wait_ms: int = WAIT_MS,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> KafkaLog:
        """Check the topic, make it when it is missing, and read how far it reaches.

        `brokers`: see `address`. `identity`: whose log this is; another one's is refused. `secret`: the key of
        KeyHasher, which the state store keeps. `wait_ms`: how long a broker may hold a fetch that finds nothing.
        `timeout_seconds` bounds every wait. SettingInvalid and StorageUnavailable say what is wrong and what to do.
        """
        address, told = parse(brokers), Told()
        settings = client_settings(address, told)
        wanted = Wanted(topic, partitions, replicas, identity, create)
        check = TopicCheck(settings, told, address, wanted, timeout_seconds)
        facts = await asyncio.to_thread(check.run)
        log = cls(facts, secret, limit_pending, settings, wanted, wait_ms, timeout_seconds)
        try:
            await log.follow(range(partitions))
        except BaseException:
            await log.close()
            raise
        return log

    @property
    def facts(self) -> Facts:
        """The topic as it was found: what its settings promise."""
        return self._facts

    @property
    def unreadable(self) -> int:
        """Records that were passed over, since they are no events."""
        return self._decoder.unreadable

    @property
    def pending(self) -> int:
        """Events in flight."""
        return self._pending

    @property
    def caught_up(self) -> bool:
        """Whether listeners have heard all that this process knows of the followed partitions."""
        return all(self._heads[partition] <= self._tail.reach(partition) for partition in self._tail.partitions)

    @property
    def log_capabilities(self) -> LogCapabilities:
        return LogCapabilities("replicated" if self._facts.replicated else "acknowledged", dedupes=False, expires=True)

    @property
    def partitions(self) -> int:
        return self._facts.partitions

    @property
    def secret(self) -> bytes:
        return self._secret

    def append(self, events: Sequence[Event], done: AppendDone) -> None:
        problem = self._refusal(len(events))
        if problem is not None or not events:
            self._soon(done, problem)
            return
        call = Call(events, records_of(events), done)
        limit = self._facts.message_bytes
        if any(record.beyond(limit) for record in call.records):
            self._soon(done, _too_large(self._topic, limit))
            return
        self._pending += len(events)
        self._outgoing.add(call)

    def _refusal(self, count: int) -> Problem | None:
        if self._closed:
            return _closed()
        if self._outgoing.away is not None:
            return self._outgoing.away
        if self._pending + count > self._limit_pending:
            detail = "Too many events wait for the acknowledgement of the Kafka brokers."
            return TooManyRequests(detail, retry_after_seconds=RETRY_AFTER_SECONDS)
        return None

    def _soon(self, done: AppendDone, problem: Problem | None) -> None:
        asyncio.get_running_loop().call_soon(done, [] if problem is None else None, problem)

    async def read(self, partition: int, after: int, limit: int) -> Slice:
        if self._closed:
            raise _closed()
        hot = self._tail.read(partition, after, limit)
        if hot is not None:
            return hot
        if partition in self._tail.partitions and after >= self.head(partition):
            return Slice((), after)
        return await self._fetcher.read(partition, after, limit)

    def head(self, partition: int) -> int:
        return max(self._heads[partition], self._tail.reach(partition))

    async def heads(self) -> list[int]:
        """Of partitions that are not followed, as a broker tells them."""
        if self._closed:
            raise _closed()
        told = await asyncio.to_thread(self._ends, range(self.partitions))
        return [max(self.head(partition), told[partition]) for partition in range(self.partitions)]

    def listen(self, listener: Listener) -> None:
        self._audience.add(listener)

    async def follow(self, partitions: Collection[int]) -> None:
        if self._closed:
            raise _closed()
        fresh = [partition for partition in partitions if partition not in self._tail.partitions]
        known = await asyncio.to_thread(self._ends, fresh)
        heads = {partition: known.get(partition, self._tail.reach(partition)) for partition in partitions}
        self._audience.follow(partitions)
        self._tail.keep(heads)
        ends = self._follower.assign({partition: self._tail.reach(partition) for partition in partitions})
        try:
            await asyncio.wait_for(ends, self._timeout_seconds)
        except TimeoutError:
            raise away(self._topic, "the ends of its partitions were not told") from None

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await self._outgoing.close()
        await self._follower.close()
        await self._fetcher.close()
        await asyncio.to_thread(self._prober.close)

    def _ends(self, partitions: Collection[int]) -> dict[int, int]:
        """Where the brokers say that these partitions end; on a thread. A lower bound: `Follower` reads on from there.
        StorageUnavailable."""
        if not partitions:
            return {}
        places = [TopicPartition(self._topic, partition) for partition in partitions]
        try:
            asked = self._admin.list_offsets(dict.fromkeys(places, LATEST), request_timeout=self._timeout_seconds)
            ends = {place.partition: told.result().offset for place, told in asked.items()}
        except KafkaException as raised:
            raise problem_of(error_of(raised), self._topic) from raised
        if min(ends.values()) < 0:  # how the driver says that it was not answered in time
            raise away(self._topic, "the ends of its partitions were not told")
        return ends

    def _probe(self, timeout_seconds: float) -> None:
        """Whether every partition has a leader; on a thread. KafkaException."""
        found = self._prober.list_topics(self._topic, timeout=timeout_seconds)
        leaders = found.topics[self._topic].partitions.values() if partitions_of(found, self._topic) else ()
        if not leaders or any(one.leader < 0 for one in leaders):
            raise KafkaException(KafkaError(KafkaError.LEADER_NOT_AVAILABLE))

    def _answered(self, calls: Sequence[Call], problem: Problem | None) -> None:
        """Each callback by itself, so that one that raises does not silence the others."""
        news: list[Stored] = []
        for call in calls:
            self._pending -= len(call.events)
            places = None
            if problem is None:
                places = call.places()
                for place in places:
                    self._heads[place.partition] = max(self._heads[place.partition], place.position)
                news += self._next(call)
            try:
                call.done(places, problem)
            except Exception as error:
                asyncio.get_running_loop().call_exception_handler(
                    {"message": "a caller of append raised in its callback", "exception": error}
                )

        if news:
            asyncio.get_running_loop().call_soon(self._audience.tell, news)

    def _next(self, call: Call) -> Sequence[Stored]:
        """Of a call of one event: the event, if nothing can be between it and what was heard. No need to fetch it."""
        if len(call.events) != 1:
            return ()
        event, position = call.events[0], call.offsets[0] + 1
        if event.partition not in self._tail.partitions or self._tail.reach(event.partition) != position - 1:
            return ()
        return self._tail.add(event.partition, [Stored(position, event)], position)

    def _hear(self, batch: Sequence[Heard]) -> None:
        news: list[Stored] = []
        for partition, events, reach, gap in batch:
            if gap:
                self._tail.restart(partition, reach)
            else:
                news += self._tail.add(partition, events, reach)
        if news:
            self._audience.tell(news)


def _closed() -> Closed:
    return Closed("The Kafka log was closed.")


def _too_large(topic: str, limit: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"The event is larger than the {limit} bytes that the Kafka topic {topic} takes.",
        next_step="Send less, or raise max.message.bytes of the topic and start again.",
    )
