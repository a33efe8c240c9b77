"""One transaction's worth of work: checked in order against what was looked up, staged, then written table by table.

The checks see what earlier steps of the batch staged. Positions are given by the server, in the last round trip, so
that no lock on a partition waits for this process: until then an event has its number within the batch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from zlib import crc32

from interlock.adapters.postgres import sql
from interlock.adapters.postgres.aside import Aside
from interlock.adapters.postgres.claims import Identity
from interlock.adapters.postgres.columns import Ints, Statement, Texts, columns
from interlock.adapters.postgres.lookup import ANY_VERSION, MOST, Cell, Lookup, MarkRow, mark_row
from interlock.adapters.postgres.names import Names
from interlock.adapters.postgres.rows_sql import Kinds
from interlock.model.event import Appended, Event, Stored
from interlock.model.handling import FINAL, HandlingState, Mark
from interlock.model.problems import AlreadyHandled, CounterRefused, Problem, StaleRead
from interlock.model.record import DeliveryRow, DeliveryState, HandlingRow, Held, RefusalRow
from interlock.model.step import CursorMove, Step, StepResult

Rows = list[tuple[Any, ...]]
ALREADY_HANDLED = AlreadyHandled("The handling is in a final state.")
FINAL_STATES = frozenset(int(state) for state in FINAL)


class Staged(NamedTuple):
    """An event without its position yet: the `nth` of its partition in this batch, from 1."""

    partition: int
    nth: int
    duplicate: bool = False

    def located(self, bases: Mapping[int, int]) -> Appended:
        """`bases`: behind which position of its partition the batch's events stand."""
        return Appended(self.partition, bases[self.partition] + self.nth, self.duplicate)


class Added(NamedTuple):
    """What a batch adds to a counter, and between which values that must have been for each add to keep its bounds."""

    total: int
    low: int
    high: int

    def and_then(self, delta: int, floor: int | None, ceiling: int | None) -> Added:
        total = self.total + delta
        low = self.low if floor is None else min(max(self.low, floor - total), MOST)
        high = self.high if ceiling is None else max(min(self.high, ceiling - total), -MOST - 1)
        return Added(total, low, high)


NOTHING_ADDED = Added(0, -MOST - 1, MOST)
NO_VALUE: tuple[int, bytes | None] = (0, None)


class Batch:
    """Staged rows. `statements` writes them; nothing is durable before the transaction commits."""

    def __init__(
        self, names: Names, known: Lookup, next_version: int, *, fused: bool = True, shared: bool = False
    ) -> None:
        """`fused`: emitted events go into the log; else into the outbox. `shared`: others write to the same cells
        meanwhile, so those that were read are held until the commit.
        """
        self._names = names
        self._known = known
        self._shared = shared
        self._owners: dict[int, set[int]] = {}
        self.next_version = next_version
        self.counts: defaultdict[int, int] = defaultdict(int)  # new events of each partition
        self._log: Rows = []
        self._events: list[Event] = []
        self._claimed: dict[Identity, Staged] = {}
        self._kinds: defaultdict[tuple[int, str, str], int] = defaultdict(int)
        self._handlings: dict[MarkRow, tuple[Any, ...]] = {}
        self._superseded: list[MarkRow] = []
        self._tallies: defaultdict[tuple[int, int, int], int] = defaultdict(int)
        self._failed: Rows = []
        self._held: dict[MarkRow, tuple[Any, ...] | None] = {}
        self._values: dict[Cell, tuple[int, bytes | None]] = {}
        self._seen: dict[Cell, int] = {}
        self._counters: dict[Cell, Added] = {}
        self._calls: dict[str, tuple[Any, ...]] = {}
        self._changes: dict[str, tuple[Any, ...]] = {}
        self._attempts: Rows = []
        self._delivery_tallies: defaultdict[tuple[int, int], int] = defaultdict(int)
        self._answers: dict[str, tuple[Any, ...]] = {}
        self._refusals: dict[tuple[Any, ...], RefusalRow] = {}
        self._moves: Rows = []
        self._fused = fused
        self.aside = Aside()

    # Events

    def append(self, events: Sequence[Event]) -> list[Staged | Appended]:
        """Stage those that are new; the places of all, as far as they are known."""
        places: list[Staged | Appended] = []
        for event in events:
            identity = (event.source, event.id)
            known = self._known.claimed.get(identity)
            if known is not None:
                places.append(Appended(*known, True))
            elif identity in self._claimed:
                places.append(self._claimed[identity]._replace(duplicate=True))
            else:
                staged = self._claimed[identity] = self._stage(event, 1)
                places.append(staged)
        return places

    def _stage(self, event: Event, claims: int) -> Staged:
        partition = event[0]
        nth = self.counts[partition] = self.counts[partition] + 1
        self._log.append((nth, crc32(event[14]), claims, *event))
        self._events.append(event)
        self._kinds[partition, event[3], event[4]] += 1
        return Staged(partition, nth)

    def stored(self, bases: Mapping[int, int]) -> list[Stored]:
        """The new events in order, once it is known behind which position of their partition they stand."""
        return [Stored(bases[row[3]] + row[0], event) for row, event in zip(self._log, self._events, strict=True)]

    # Steps

    def own(self, epoch: int, partitions: Iterable[int]) -> None:
        """Whose steps follow, and which partitions it must lease when they are committed."""
        self._owners.setdefault(epoch, set()).update(partitions)

    def step(self, step: Step) -> Problem | None:
        """Stage the step, or say why not; then nothing of it is staged. Raises UnknownWord.

        Most steps have a handling and what its handler asked for: they are not led past what they lack.
        """
        handling, result = step.handling, step.result
        rare = step.supersede or step.answer or step.delivery or step.failed or step.hold or step.release
        if handling is not None:
            place = mark_row(self._names, handling)
            before = self._state(place)[0]
            if before in FINAL_STATES:
                return ALREADY_HANDLED
        if rare and (problem := self._check_states(step)):
            return problem
        if result.reads and (problem := self._check_reads(result)):
            return problem
        if result.adds and (problem := self._check_adds(result)):
            return problem
        if handling is not None:
            self._stage_handling(place, before, handling)
        if rare:
            self._stage_rare(step)
        if result.reads:
            self._see(result)
        self._stage_result(result)
        return None

    def _stage_rare(self, step: Step) -> None:
        if step.supersede is not None:
            self._stage_supersede(step.supersede)
        if step.failed is not None:
            self._failed.append((self._names.ids[step.failed.flow], *step.failed[1:]))
        self._stage_envelopes(step)
        if step.answer is not None:
            self._answers[step.answer.scope] = tuple(step.answer)
        if step.delivery is not None:
            self._stage_delivery(step.delivery)

    def refuse(self, rows: Iterable[RefusalRow]) -> None:
        for row in rows:
            before = self._refusals.get(row[:5])
            if before is not None:
                row = row._replace(
                    total=before.total + row.total,
                    first_us=min(before.first_us, row.first_us),
                    last_us=max(before.last_us, row.last_us),
                )
            self._refusals[row[:5]] = row

    def move(self, epoch: int, cursors: Iterable[CursorMove]) -> None:
        self._moves.extend(
            (self._names.find(flow), partition, position, epoch) for flow, partition, position in cursors
        )

    def _check_states(self, step: Step) -> Problem | None:
        if step.supersede is not None:
            place = mark_row(self._names, step.supersede)
            if self._state(place) != (HandlingState.DEAD, 0) or place in self._superseded:
                return AlreadyHandled("Only a dead letter that was not redriven yet can be redriven.")
        if step.answer is not None:
            scope = step.answer.scope
            if scope in self._answers or self._known.answers.get(scope, 0) > step.answer.at_us:
                return AlreadyHandled("This idempotency key has its answer already.")
        return None if step.delivery is None else self._check_delivery(step.delivery)

    def _state(self, place: MarkRow) -> tuple[int, int]:
        staged = self._handlings.get(place)
        if staged is not None:
            return staged[4], staged[11]
        return self._known.marks.get(place, (HandlingState.PENDING, 0))

    def _check_delivery(self, row: DeliveryRow) -> Problem | None:
        state = self._delivery_state(row.id)
        discards = state == DeliveryState.DEAD and row.state is DeliveryState.DISCARDED
        if state == DeliveryState.PENDING or discards:
            return None
        told = "unknown" if state is None else DeliveryState(state).name.lower()
        return AlreadyHandled(f"The delivery {row.id} is {told}.")

    def _delivery_state(self, delivery_id: str) -> int | None:
        changed = self._changes.get(delivery_id)
        if changed is not None:
            return int(changed[1])
        called = self._calls.get(delivery_id)
        return int(called[13]) if called is not None else self._known.deliveries.get(delivery_id)

    def _check_reads(self, result: StepResult) -> Problem | None:
        for table, key, version in result.reads:
            cell = (self._names.ids[table], key)
            staged = self._values.get(cell)
            if staged is None:
                current = self._known.versions.get(cell, 0)
            else:
                current = 0 if staged[1] is None else staged[0]
            if current != version:
                return StaleRead(f"{table} changed since it was read.")
        return None

    def _check_adds(self, result: StepResult) -> Problem | None:
        """Apply all adds to the staged counters, or none. The last check, since it stages."""
        wanted: dict[Cell, Added] = {}
        for table, key, delta, floor, ceiling in result.adds:
            cell = (self._names.ids[table], key)
            added = wanted.get(cell) or self._counters.get(cell, NOTHING_ADDED)
            wanted[cell] = added = added.and_then(delta, floor, ceiling)
            if not added.low <= self._known.counters.get(cell, 0) <= added.high:
                return CounterRefused(f"The counter {table} would leave its bounds.")
        self._counters.update(wanted)
        return None

    def _see(self, result: StepResult) -> None:
        """What the step was judged by, and must still be so when it is committed."""
        for table, key, version in result.reads:
            cell = (self._names.ids[table], key)
            if cell not in self._values:
                self._seen[cell] = version

    def _stage_handling(self, place: MarkRow, before: int, row: HandlingRow) -> None:
        if before != HandlingState.PENDING:
            self._tallies[place[0], row.partition, before] -= 1
        self._tallies[place[0], row.partition, row.state] += 1
        numbers = self._names.ids
        self._handlings[place] = (*place, *row[4:8], numbers[row.handler], numbers[row.flow_version], row.error, 0)

    def _stage_supersede(self, mark: Mark) -> None:
        place = mark_row(self._names, mark)
        staged = self._handlings.get(place)
        if staged is not None:
            self._handlings[place] = (*staged[:11], 1)
        else:
            self._superseded.append(place)
        self._held[place] = None
        self._tallies[place[0], place[1], HandlingState.DEAD] -= 1

    def _stage_envelopes(self, step: Step) -> None:
        if step.release is not None:
            self._held[mark_row(self._names, step.release)] = None
        if step.hold is not None:
            held = step.hold
            place = (self._names.ids[held.flow], *held[1:4])
            self._held[place] = held_columns(place, held)

    def _stage_delivery(self, row: DeliveryRow) -> None:
        before = self._delivery_state(row.id)
        if before is not None:
            self._delivery_tallies[row.partition, before] -= 1
        self._delivery_tallies[row.partition, row.state] += 1
        first = self._changes[row.id][5] if row.id in self._changes else before
        self._changes[row.id] = (row.id, row.state, row.attempts, row.due_us, row.body, first)
        if row.attempt is not None:
            self._attempts.append(tuple(row.attempt))

    def _stage_result(self, result: StepResult) -> None:
        for table, key, value in result.puts:
            self._values[self._names.ids[table], key] = (self.next_version, value)
            self.next_version += 1
        if self._fused:
            for event in result.emits:
                self._stage(event, 0)
        else:
            self.aside.outbox += result.emits
        for call in result.calls:
            if call.id in self._calls:
                raise ValueError(f"two calls have the id {call.id}")
            self._calls[call.id] = call[:18]
            self._delivery_tallies[call.partition, call.state] += 1

    # Writing

    def statements(self, table: int) -> list[Statement]:
        """Everything staged, as statements in the order in which locks are taken: the same in every process, and by key
        within a statement, so that two writers never wait for each other. `table`: where claims go now.
        """
        found: list[Statement] = []
        if self._log:
            self._write_events(found, table)
        found += self.aside.statements(table)
        if self._shared:
            self._hold_cells(found)
        self._write_handlings(found)
        self._write_state(found)
        self._write_deliveries(found)
        if self._answers:
            found.append(counted(sql.ANSWER_NEW, sql.ANSWER_KINDS, sorted(self._answers.values(), key=first)))
        self._write_totals(found)
        if self._moves:
            moves = sorted({row[:2]: row for row in self._moves}.values())
            found.append(counted(sql.CURSOR_MOVE, sql.MOVE_KINDS, moves))
        if self._owners and (found or not self._known.judges):
            found[:0] = [
                (sql.MUST_LIVE, (epoch, Ints(sorted(partitions)))) for epoch, partitions in sorted(self._owners.items())
            ]
        return found

    def _write_events(self, found: list[Statement], table: int) -> None:
        parts = sorted(self.counts)
        places = (Ints(parts), Ints(self.counts[part] for part in parts))
        rows = columns((Ints, Ints, Ints, *sql.EVENT_KINDS), self._log)
        found.append((sql.HEADS_LOCK, places[:1]))
        found.append((sql.APPEND[table] if self._claimed else sql.APPEND_EMITTED, (*places, *rows)))
        kinds = sorted((*kind, total) for kind, total in self._kinds.items())
        found.append((sql.CONTRACT_TALLY, columns((Ints, Texts, Texts, Ints), kinds)))

    def _write_handlings(self, found: list[Statement]) -> None:
        known = self._known.marks
        fresh = [row for place, row in self._handlings.items() if place not in known]
        again = [row for place, row in self._handlings.items() if place in known]
        gone = [place for place in self._held if place in known or place not in self._handlings]
        kept = [row for row in self._held.values() if row is not None]
        tallies = [(*place, total) for place, total in sorted(self._tallies.items()) if total]
        if fresh:
            found.append((sql.HANDLE, columns(sql.HANDLING_KINDS, fresh)))
        for changing, kinds, rows in (
            (sql.HANDLE_AGAIN, sql.HANDLING_KINDS, again),
            (sql.SUPERSEDE, sql.MARK_KINDS, self._superseded),
        ):
            if rows:
                found.append(counted(changing, kinds, rows))
        for statement, kinds, rows in (
            (sql.FAIL, sql.FAILED_KINDS, self._failed),
            (sql.RELEASE, sql.MARK_KINDS, gone),
            (sql.HOLD, sql.HELD_KINDS, kept),
            (sql.TALLY, (Ints, Ints, Ints, Ints), tallies),
        ):
            if rows:
                found.append((statement, columns(kinds, rows)))

    def _hold_cells(self, found: list[Statement]) -> None:
        """The cells that were read, or will be written over, as they were looked up."""
        versions = self._known.versions
        absent = [cell for cell, version in self._seen.items() if not version and cell not in versions]
        absent = sorted(cell for cell in absent if self._values.get(cell, NO_VALUE)[1] is None)
        there = {cell: ANY_VERSION for cell in self._values if cell in versions} | {
            cell: version for cell, version in self._seen.items() if cell in versions
        }
        there |= dict.fromkeys(absent, 0)
        if absent:
            found.append((sql.ABSENT_NEW, columns(sql.CELL_KINDS, absent)))
        if there:
            rows = [(*cell, expected, int(cell in self._values)) for cell, expected in sorted(there.items())]
            found.append((sql.STATE_HOLD, columns(sql.STATE_HOLD_KINDS, rows)))

    def _write_state(self, found: list[Statement]) -> None:
        values = sorted(self._values.items())
        kept = [(*cell, *stored) for cell, stored in values if stored[1] is not None]
        gone = [cell for cell, stored in values if stored[1] is None]
        fresh = [row for row in kept if row[:2] not in self._known.versions] if self._shared else []
        over = [row for row in kept if row[:2] in self._known.versions] if self._shared else kept
        added = [(*cell, *total) for cell, total in sorted(self._counters.items())]
        for statement, kinds, rows in (
            (sql.STATE_NEW, sql.STATE_KINDS, fresh),
            (sql.STATE_PUT, sql.STATE_KINDS, over),
            (sql.STATE_DELETE, sql.CELL_KINDS, gone),
            (sql.COUNTER_ADD, sql.ADD_KINDS, added),
        ):
            if rows:
                found.append((statement, columns(kinds, rows)))

    def _write_deliveries(self, found: list[Statement]) -> None:
        if self._calls:
            found.append((sql.DELIVERY_NEW, columns(sql.DELIVERY_KINDS, list(self._calls.values()))))
        if self._changes:
            found.append(counted(sql.DELIVERY_CHANGE, sql.CHANGE_KINDS, sorted(self._changes.values(), key=first)))
        if self._attempts:
            found.append((sql.DELIVERY_ATTEMPT, columns(sql.ATTEMPT_KINDS, self._attempts)))

    def _write_totals(self, found: list[Statement]) -> None:
        """Rows that many writers add to: after everything that a writer may have to wait for otherwise."""
        tallies = [(*place, total) for place, total in sorted(self._delivery_tallies.items()) if total]
        if tallies:
            found.append((sql.DELIVERY_TALLY, columns((Ints, Ints, Ints), tallies)))
        if self._refusals:
            refusals = [row for _, row in sorted(self._refusals.items())]
            found.append((sql.REFUSE, columns(sql.REFUSAL_KINDS, refusals)))


def counted(statement: str, kinds: Kinds, rows: Rows) -> Statement:
    """A statement that must touch as many rows as it is given."""
    return statement, (*columns(kinds, rows), len(rows))


def first(row: tuple[Any, ...]) -> Any:
    return row[0]


def held_columns(place: MarkRow, held: Held) -> tuple[Any, ...]:
    return (*place, *held[4:11], int(held.overtaken), *held.event)
