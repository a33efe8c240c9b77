"""EventLog on a JetStream stream. Promise: replicated with two replicas or more; else what the server's settings give.

Several processes may have it open and append. Positions are the stream's sequence, which all partitions share.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

from interlock.adapters.audience import Audience
from interlock.adapters.jetstream.hearing import Hearing
from interlock.adapters.jetstream.link import Link
from interlock.adapters.jetstream.publisher import BATCH_MESSAGES, Publisher
from interlock.adapters.jetstream.quarantine import Quarantine
from interlock.adapters.jetstream.reader import Found, StreamReader
from interlock.adapters.jetstream.stream import Opened, Wanted, open_stream
from interlock.adapters.jetstream.subjects import is_foreign, place_in
from interlock.adapters.jetstream.wire import Unreadable, decode
from interlock.adapters.tail import Tail
from interlock.model.event import Appended, Event, Stored
from interlock.model.hashing import KeyHasher
from interlock.model.problems import Closed, EventsExpired, Problem, StorageCorrupt
from interlock.ports.event_log import Acceptance, AppendDone, Listener, LogCapabilities, Slice

HEADS_AT_ONCE = 32


class JetStreamLog:
    """Use from the event loop that opened it only."""

    def __init__(self, link: Link, wanted: Wanted, opened: Opened, limit_pending: int, *, synced: bool) -> None:
        self._link = link
        self._stream = wanted.stream
        self.partitions = wanted.partitions
        self.secret = wanted.secret
        self.identity = opened.identity
        self.replicas = opened.replicas
        self.log_capabilities = LogCapabilities(
            _acceptance(opened.replicas, synced),
            dedupe_seconds=opened.dedupe_seconds,
            expires=True,
            shared_positions=True,
            call_events=BATCH_MESSAGES,
        )
        self.quarantine = Quarantine()
        self._hasher = KeyHasher(wanted.secret)
        self._reader = StreamReader(link, wanted.stream)
        self._audience = Audience()
        self._tail = Tail(wanted.partitions, opened.last)
        self._heads = [0] * wanted.partitions
        self._heard = [0] * wanted.partitions  # the newest position that listeners heard of, where they follow
        self._broken: Problem | None = None
        self._closed = False
        self._hearing = Hearing(link, wanted.stream, opened.last, self._told, lambda: max(self._heads), self._went_back)
        self._publisher = Publisher(
            link,
            self._reader,
            wanted.stream,
            newest=self._newest,
            limit_pending=limit_pending,
            largest_message=opened.largest_message,
            dedupe_seconds=opened.dedupe_seconds,
            placed=self._placed,
            went_back=self._went_back,
        )

    @classmethod
    async def open(
        cls,
        servers: str,
        *,
        stream: str,
        partitions: int,
        secret: bytes,
        identity: str | None = None,
        limit_pending: int = 65_536,
        replicas: int = 1,
        dedupe_seconds: float = 120.0,
        synced: bool = False,
    ) -> JetStreamLog:
        """Open the stream; with `identity` None it is made when it is missing.

        `servers` are addresses separated by commas. `secret` and, later, `identity` belong to the log and are kept by
        whoever opens it. `synced` is the operator's word that the servers run with `sync_interval: always`: they do not
        tell it to clients.

        SettingInvalid when servers, user, stream or its settings are not fit; StorageUnavailable when no server answers
        or there is no quorum; FormatUnsupported when another release made the stream.
        """
        wanted = Wanted(stream, partitions, secret, identity, replicas, dedupe_seconds)
        link = Link(servers)
        await link.open()
        try:
            log = cls(link, wanted, await open_stream(link, wanted), limit_pending, synced=synced)
        except BaseException:
            await link.close()
            raise
        try:
            await log._learn_heads(range(partitions))
        except BaseException:
            await log.close()
            raise
        return log

    def append(self, events: Sequence[Event], done: AppendDone) -> None:
        self._publisher.append(events, done)

    async def read(self, partition: int, after: int, limit: int) -> Slice:
        self._refuse_closed()
        head = self._heads[partition]
        if after >= head:
            followed = self._audience.follows(partition) and self._heard[partition] >= head
            return Slice((), max(after, self._hearing.last) if followed else after)
        if self._audience.follows(partition) and after < self._heard[partition]:
            found = self._tail.read(partition, after, limit, self._heard[partition])
            if found is not None:
                return found
        messages = await self._reader.partition(partition, after, limit, head)
        first = await self._reader.first()  # after that: what is still there now was there then
        if first > after + 1 or not messages:  # dropped by a limit of the stream, or by somebody
            raise EventsExpired(
                f"The stream {self._stream} begins at {first} now, and partition {partition} was to be read on from "
                f"{after + 1}: what lay between was dropped before it was read.",
                first=first if messages else max(first, head + 1),
            )
        return Slice(self._decoded(messages), messages[-1].position)

    def head(self, partition: int) -> int:
        return self._heads[partition]

    async def heads(self) -> list[int]:
        self._refuse_closed()
        await self._learn_heads(range(self.partitions))
        return list(self._heads)

    def listen(self, listener: Listener) -> None:
        self._audience.add(listener)

    async def follow(self, partitions: Collection[int]) -> None:
        """See EventLog.follow. What is appended while this runs is heard, or is below the head."""
        self._refuse_closed()
        before = self._audience.followed
        wanted = sorted(set(partitions))
        fresh = [one for one in wanted if before is not None and one not in before]
        last = self._hearing.last
        if fresh:
            last = int((await self._reader.state())["state"]["last_seq"])
            await self._learn_heads(fresh)
        start = min(last, self._hearing.last) if len(fresh) < len(wanted) else last
        for partition in fresh:
            self._heard[partition] = last
            self._tail.restart(partition, last)
        self._audience.follow(wanted)
        self._hearing.follow(None if len(wanted) == self.partitions else wanted, start)

    async def close(self) -> None:
        if self._closed:
            return
        await self._publisher.close()
        self._closed = True
        await self._hearing.close()
        await self._link.close()

    @property
    def caught_up(self) -> bool:
        """Whether listeners have heard of all that is known of in the partitions that they follow."""
        return all(
            heard >= head
            for partition, (heard, head) in enumerate(zip(self._heard, self._heads, strict=True))
            if self._audience.follows(partition)
        )

    async def _learn_heads(self, partitions: Collection[int]) -> None:
        places = list(partitions)
        dropped = await self._reader.first() - 1  # a partition that has nothing any more still has that gap to show
        for begin in range(0, len(places), HEADS_AT_ONCE):
            some = places[begin : begin + HEADS_AT_ONCE]
            for partition, found in zip(some, await asyncio.gather(*map(self._reader.head, some)), strict=True):
                head = max(found, dropped)
                self._heads[partition] = max(self._heads[partition], head)
                self._heard[partition] = max(self._heard[partition], min(head, self._hearing.last))

    def _placed(self, places: Sequence[Appended]) -> None:
        for place in places:
            if place.position > self._heads[place.partition]:
                self._heads[place.partition] = place.position

    def _told(self, messages: Sequence[Found]) -> None:
        """What the consumer delivered, in order."""
        fresh = [found for found in messages if self._is_news(found)]
        events = self._decoded(fresh)
        self._tail.add(events)
        self._audience.tell(events)

    def _is_news(self, found: Found) -> bool:
        partition = found.partition
        if not 0 <= partition < self.partitions:
            self.quarantine.passed_over(found.position, "its subject names no partition")
            return False
        if found.position <= self._heard[partition]:
            return False
        self._heard[partition] = found.position
        if found.position > self._heads[partition]:
            self._heads[partition] = found.position
        return True

    def _decoded(self, messages: Sequence[Found]) -> list[Stored]:
        """Without those that cannot be read: they are passed over, counted and told, and stay in the stream."""
        events = []
        for found in messages:
            try:
                foreign = is_foreign(found.subject)
                place = place_in(found.subject) if foreign else ""
                event = decode(
                    found.partition, found.headers, found.body, found.stored_us, self._hasher,
                    foreign=foreign, place=place,
                )  # fmt: skip
            except Unreadable as unreadable:
                self.quarantine.passed_over(found.position, str(unreadable))
                continue
            events.append(Stored(found.position, event))
        return events

    def _newest(self) -> int:
        return max(self._hearing.last, *self._heads)

    def _went_back(self, last: int) -> None:
        self._broken = StorageCorrupt(
            f"The stream {self._stream} ends at {last}, and had come further: the servers lost what they acknowledged.",
            next_step="Stop, restore the stream from its backup or begin a new one; then set sync_interval: always, "
            "or jetstream.replicas to 3.",
        )
        self._publisher.broken(self._broken)

    def _refuse_closed(self) -> None:
        if self._closed:
            raise Closed("The log was closed.")
        if self._broken is not None:
            raise self._broken


def _acceptance(replicas: int, synced: bool) -> Acceptance:
    if replicas > 1:
        return "replicated"
    return "fsynced" if synced else "acknowledged"
