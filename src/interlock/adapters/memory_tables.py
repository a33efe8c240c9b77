"""The tables of the memory adapter, and the rules by which a step changes them."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from interlock.adapters.memory_dedupe import DedupeWindow
from interlock.adapters.memory_members import Members
from interlock.model.event import Appended, Event, Stored
from interlock.model.handling import FINAL, HandlingState, Mark
from interlock.model.problems import (
    AlreadyHandled,
    CounterRefused,
    EventsExpired,
    Fenced,
    Problem,
    SettingInvalid,
    StaleRead,
)
from interlock.model.record import (
    Answer,
    DeliveryAttempt,
    DeliveryRow,
    DeliveryState,
    FailedAttempt,
    HandlingRow,
    Held,
    RefusalRow,
    StartRow,
)
from interlock.model.step import Add, Commit, CursorMove, Put, Read, Step
from interlock.ports.event_log import Slice
from interlock.ports.membership import Member
from interlock.ports.state_store import Versioned

Place = tuple[str, int, int]  # flow, partition, position
Cell = tuple[str, str]  # table, key


class Tables:
    """Plain dictionaries. A step is checked whole before anything of it is applied, so nothing needs an undo."""

    def __init__(self, partitions: int, dedupe_bucket_seconds: int) -> None:
        self.log: list[list[Stored]] = [[] for _ in range(partitions)]
        self.forgotten = [0] * partitions  # by partition: up to where `forget` dropped all
        self.position = 0
        self.dedupe = DedupeWindow(dedupe_bucket_seconds)
        self.epoch = 0
        self.starts: list[StartRow] = []
        self.before: defaultdict[str, dict[str, int]] = defaultdict(dict)
        self.cursors: dict[str, dict[int, int]] = {}
        self.members = Members(partitions)
        self.version = 0
        self.values: dict[Cell, Versioned] = {}
        self.counters: Counter[Cell] = Counter()
        self.handlings: dict[Mark, HandlingRow] = {}
        self.current: dict[Place, int] = {}
        self.tallies: Counter[tuple[str, HandlingState]] = Counter()
        self.failures: defaultdict[tuple[int, int], list[FailedAttempt]] = defaultdict(list)
        self.held: dict[Mark, Held] = {}
        self.deliveries: dict[str, DeliveryRow] = {}
        self.attempts: defaultdict[str, list[DeliveryAttempt]] = defaultdict(list)
        self.answers: dict[str, Answer] = {}
        self.refusals: dict[tuple[int, str, str, str, str], RefusalRow] = {}

    def append(self, events: Iterable[Event]) -> tuple[list[Appended], list[Stored]]:
        """The place of each event, and those that were new."""
        places, fresh = [], []
        for event in events:
            first = self.dedupe.find(event)
            if first is not None:
                places.append(Appended(*first, duplicate=True))
                continue
            stored = self._store(event)
            self.dedupe.claim(event, stored.position)
            places.append(Appended(event.partition, stored.position, duplicate=False))
            fresh.append(stored)
        return places, fresh

    def read(self, partition: int, after: int, limit: int) -> Slice:
        if after < self.forgotten[partition]:
            raise EventsExpired(
                f"The memory log no longer has partition {partition} up to {self.forgotten[partition]}.",
                first=self.forgotten[partition] + 1,
            )
        rows = self.log[partition]
        start = bisect_right(rows, after, key=_position)
        events = rows[start : start + limit]
        if start + limit < len(rows):
            return Slice(events, events[-1].position if events else after)
        return Slice(events, max(after, self.head(partition)))

    def forget(self, partition: int, through: int) -> None:
        """The fault that plays an outside log's retention: what stood there is gone, read or not."""
        self.log[partition] = [stored for stored in self.log[partition] if stored.position > through]
        self.forgotten[partition] = max(through, self.forgotten[partition])

    def head(self, partition: int) -> int:
        rows = self.log[partition]
        return rows[-1].position if rows else self.forgotten[partition]

    def acquire(self, start: StartRow, flows: Mapping[str, Sequence[str]]) -> int:
        self._start(start, flows)
        self.members.own_alone(self.epoch, flows)
        return self.epoch

    def join(
        self, start: StartRow, flows: Mapping[str, Sequence[str]], member: Member, seconds: float, now: int
    ) -> int:
        """`member` without its epoch, which is the one returned."""
        if self.starts and self.starts[-1].estate != start.estate:
            raise SettingInvalid(
                f"The store is that of the estate {self.starts[-1].estate}, not of {start.estate}.",
                next_step="Give each estate a store of its own.",
            )
        self.members.join(member._replace(epoch=self.epoch + 1), flows, seconds, now)
        self._start(start, flows)
        return self.epoch

    def _start(self, start: StartRow, flows: Mapping[str, Sequence[str]]) -> None:
        self.epoch += 1
        self.starts.append(start._replace(epoch=self.epoch))
        for flow, types in flows.items():
            if flow not in self.cursors:
                self.cursors[flow] = self.beginnings()
            self._subscribe(flow, types)

    def beginnings(self) -> dict[int, int]:
        """The cursors of a flow that was never here."""
        return dict.fromkeys(range(len(self.log)), self.position)

    def _subscribe(self, flow: str, types: Sequence[str]) -> None:
        before = self.before[flow]
        for event_type, count in before.items():
            if event_type not in types and count >= 0:
                before[event_type] = -1 - self._handled(flow, event_type)
        for event_type in types:
            if before.get(event_type, -1) < 0:
                before[event_type] = self._settled_before(flow, event_type)

    def _handled(self, flow: str, event_type: str) -> int:
        """How many events of the type have a handling: of a type that is taken no longer, those were accepted."""
        return sum(
            event.type == event_type and (flow, partition, position) in self.current
            for partition, rows in enumerate(self.log)
            for position, event in rows
        )

    def _settled_before(self, flow: str, event_type: str) -> int:
        """How many events of the type the flow has behind its cursors, and will never take."""
        cursors = self.cursors[flow]
        return sum(
            event.type == event_type
            and position <= cursors[partition]
            and (flow, partition, position) not in self.current
            for partition, rows in enumerate(self.log)
            for position, event in rows
        )

    def apply(self, commit: Commit) -> tuple[list[Problem | None], list[Stored]]:
        """The outcome of each step and the emitted events; raises Fenced, and then nothing was applied."""
        self.check_epoch(commit.epoch, commit.partitions)
        self.check_cursors(commit)
        outcomes: list[Problem | None] = []
        emitted: list[Stored] = []
        for step in commit.steps:
            try:
                self.check(step)
            except Problem as problem:
                outcomes.append(problem)
            else:
                emitted += self.carry_out(step)
                outcomes.append(None)
        self.move_cursors(commit.cursors)
        for refusal in commit.refusals:
            self._count_refusal(refusal)
        return outcomes, emitted

    def check_epoch(self, epoch: int, partitions: Collection[int]) -> None:
        self.members.check(epoch, partitions)

    def check_cursors(self, commit: Commit) -> None:
        flows = self.members.one(commit.epoch).flows if commit.cursors else ()
        for flow, partition, _ in commit.cursors:
            if flow not in flows or partition not in self.cursors[flow]:
                raise Fenced(f"The cursor of {flow} in partition {partition} belongs to another epoch.")

    def check(self, step: Step) -> None:
        """Raise the problem that keeps the step from being applied."""
        if step.handling is not None:
            self.check_mark(mark_of(step.handling))
        if step.failed is not None:
            self.check_attempt(step.failed)
        if step.supersede is not None:
            self.check_superseded(step.supersede)
        if step.answer is not None:
            self.check_answer(step.answer)
        if step.delivery is not None:
            self.check_delivery(step.delivery)
        self.check_reads(step.result.reads)
        self.check_adds(step.result.adds)

    def check_mark(self, mark: Mark) -> None:
        row = self.handlings.get(mark)
        if row is not None and row.state in FINAL:
            raise AlreadyHandled(f"{mark} is {row.state.name} already.")

    def check_attempt(self, failed: FailedAttempt) -> None:
        """An attempt is recorded once: a step that is sent again after its answer was lost is told so."""
        attempts = self.failures.get((failed.partition, failed.position), ())
        if any(row[:5] == failed[:5] for row in attempts):
            raise AlreadyHandled(f"Attempt {failed.attempt} of {failed[:4]} is recorded already.")

    def check_superseded(self, mark: Mark) -> None:
        row = self.handlings.get(mark)
        if row is None or row.state is not HandlingState.DEAD or self.current[mark[:3]] != mark.generation:
            raise AlreadyHandled(f"{mark} is no dead letter any more.")

    def check_answer(self, answer: Answer) -> None:
        stored = self.answers.get(answer.scope)
        if stored is not None and stored.expires_us > answer.at_us:
            raise AlreadyHandled("This scope has its answer already.")

    def check_delivery(self, row: DeliveryRow) -> None:
        stored = self.deliveries.get(row.id)
        if stored is None:
            raise AlreadyHandled(f"Delivery {row.id} is unknown.")
        given_up = (stored.state, row.state) == (DeliveryState.DEAD, DeliveryState.DISCARDED)
        if stored.state is not DeliveryState.PENDING and not given_up:
            raise AlreadyHandled(f"Delivery {row.id} is {stored.state.name} already.")
        if row.attempt is not None and any(one.attempt == row.attempt.attempt for one in self.attempts.get(row.id, ())):
            raise AlreadyHandled(f"Attempt {row.attempt.attempt} of delivery {row.id} is recorded already.")

    def check_reads(self, reads: Sequence[Read]) -> None:
        for table, key, version in reads:
            stored = self.values.get((table, key))
            if (0 if stored is None else stored.version) != version:
                raise StaleRead(f"{table} {key} is no longer at version {version}.")

    def check_adds(self, adds: Sequence[Add]) -> None:
        reached: dict[Cell, int] = {}
        for table, key, delta, floor, ceiling in adds:
            cell = (table, key)
            value = reached.get(cell, self.counters[cell]) + delta
            if (floor is not None and value < floor) or (ceiling is not None and value > ceiling):
                raise CounterRefused(f"{table} {key} would become {value}.")
            reached[cell] = value

    def carry_out(self, step: Step) -> list[Stored]:
        """Apply a checked step; the events that it emitted."""
        if step.handling is not None:
            self._mark(step.handling)
        if step.failed is not None:
            self.failures[step.failed.partition, step.failed.position].append(step.failed)
        for mark in (step.release, step.supersede):
            if mark is not None:
                self.held.pop(mark, None)
        if step.hold is not None:
            self.held[mark_of(step.hold)] = step.hold
        if step.answer is not None:
            self.answers[step.answer.scope] = step.answer
        if step.delivery is not None:
            self._deliver(step.delivery)
        self._put(step.result.puts)
        for table, key, delta, _, _ in step.result.adds:
            self.counters[table, key] += delta
        for call in step.result.calls:
            self.deliveries[call.id] = call._replace(attempt=None)
        return self.emit(step.result.emits)

    def emit(self, events: Sequence[Event]) -> list[Stored]:
        """Emitted events skip the dedupe window: the mark of their step is what keeps them single."""
        return [self._store(event) for event in events]

    def move_cursors(self, moves: Iterable[CursorMove]) -> None:
        for flow, partition, position in moves:
            self.cursors[flow][partition] = position

    def expire(self, now_us: int) -> int:
        gone = [scope for scope, answer in self.answers.items() if answer.expires_us <= now_us]
        for scope in gone:
            del self.answers[scope]
        self.dedupe.rotate(now_us)
        return len(gone)

    def _store(self, event: Event) -> Stored:
        self.position += 1
        stored = Stored(self.position, event)
        self.log[event.partition].append(stored)
        return stored

    def _mark(self, row: HandlingRow) -> None:
        """Write the row and keep the tallies: they count the newest generation of each event."""
        mark = mark_of(row)
        place = mark[:3]
        newest = self.current.get(place)
        if newest is None or row.generation >= newest:
            if newest is not None:
                self.tallies[row.flow, self.handlings[Mark(*place, newest)].state] -= 1
            self.tallies[row.flow, row.state] += 1
            self.current[place] = row.generation
        self.handlings[mark] = row

    def _put(self, puts: Sequence[Put]) -> None:
        for table, key, value in puts:
            self.version += 1  # across all keys, so that a deleted and rewritten value never repeats a version
            if value is None:
                self.values.pop((table, key), None)
            else:
                self.values[table, key] = Versioned(value, self.version)

    def _deliver(self, row: DeliveryRow) -> None:
        if row.attempt is not None:
            self.attempts[row.id].append(row.attempt)
        self.deliveries[row.id] = row._replace(attempt=None)

    def _count_refusal(self, row: RefusalRow) -> None:
        key = (row.hour_us, row.code, row.contract, row.source, row.pointer)
        before = self.refusals.get(key)
        if before is not None:
            row = before._replace(
                total=before.total + row.total,
                first_us=min(before.first_us, row.first_us),
                last_us=max(before.last_us, row.last_us),
            )
        self.refusals[key] = row


def mark_of(row: HandlingRow | Held) -> Mark:
    return Mark(row.flow, row.partition, row.position, row.generation)


def _position(stored: Stored) -> int:
    return stored.position
