"""One transaction's worth of work: checked in order, staged in lists, written table by table.

Checks come first and see what earlier steps of the batch staged, so that a stale read or a refused counter costs no
rollback. What only the database can find (a mark that exists already) rolls back; the committer then applies each
step alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from zlib import crc32

import apsw

from interlock.adapters.sqlite import sql
from interlock.adapters.sqlite.names import Names
from interlock.model.event import Event, Stored
from interlock.model.handling import FINAL, HandlingState, Mark
from interlock.model.problems import AlreadyHandled, CounterRefused, Problem, StaleRead
from interlock.model.record import DeliveryRow, DeliveryState, HandlingRow, RefusalRow
from interlock.model.step import Step, StepResult

Rows = list[tuple[Any, ...]]
ALREADY_HANDLED = AlreadyHandled("The handling is in a final state.")


class Repeated(Exception):
    """A step touches what an earlier one of its batch staged, which the checks cannot see yet: apply them alone."""


class Batch:
    """Staged rows. Nothing is written before `flush`; nothing is durable before the transaction commits.

    A batch of one step (`alone`) looks at the existing row of every handling; a bigger one leaves that to the
    unique index, for speed.
    """

    def __init__(
        self, connection: apsw.Connection, names: Names, next_position: int, next_version: int, *, alone: bool = False
    ) -> None:
        self._alone = alone
        self._touched: set[tuple[Any, ...]] = set()
        self._indexed = 0
        self._connection = connection
        self._names = names
        self.next_position = next_position
        self.next_version = next_version
        self.stored: list[Stored] = []
        self.log: Rows = []
        self._handled: Rows = []
        self._handled_again: Rows = []
        self._tallies: defaultdict[tuple[int, int], int] = defaultdict(int)
        self._kinds: defaultdict[tuple[str, str], int] = defaultdict(int)
        self._versions: dict[tuple[int, str], int] = {}
        self._values: dict[tuple[int, str], tuple[int, bytes | None]] = {}
        self._counters: dict[tuple[int, str], int] = {}
        self._cold: list[tuple[str, tuple[Any, ...]]] = []
        self._deliveries: Rows = []
        self._delivery_tallies: defaultdict[int, int] = defaultdict(int)
        self._new_scopes: set[str] = set()

    def append(self, event: Event) -> int:
        position = self.next_position
        self.next_position = position + 1
        self.stored.append(Stored(position, event))
        self.log.append((position, *event, crc32(event[14])))
        self._kinds[event.type, event.version] += 1
        return position

    def step(self, step: Step) -> Problem | None:
        """Stage the step, or say why not; then nothing of it is staged. Raises Repeated."""
        result = step.result
        cold = step.hold or step.release or step.supersede or step.delivery or step.answer or step.failed or self._alone
        if cold and not self._alone:
            self._refuse_repeated(step)
        if cold and (problem := self._check_states(step)):
            return problem
        if (result.reads or result.adds) and (problem := self._check_reads(result) or self._check_adds(result)):
            # What a step has read or counted may have changed by itself: it was applied, and its answer was lost.
            return self._check_states(step) or problem
        if step.handling is not None and not cold:
            row = self._handling(step.handling)
            if self._touched and row[:4] in self._touched:
                raise Repeated
            self._handled.append(row)
            self._tallies[row[0], step.handling.state] += 1
        elif cold:
            self._stage_cold(step)
        if result.puts:
            self._stage_puts(result)
        for event in result.emits:
            self.append(event)
        for call in result.calls:
            self._deliveries.append(call[:18])
            self._delivery_tallies[call.state] += 1
        return None

    def refuse(self, rows: Sequence[RefusalRow]) -> None:
        self._cold.extend((sql.REFUSE, row) for row in rows)

    def flush(self) -> None:
        """Write what was staged. Raises apsw.ConstraintError when a mark exists already."""
        many = self._connection.executemany
        if self._names.fresh:
            many(sql.NAME_NEW, self._names.fresh)
        if self.log:
            many(sql.APPEND, self.log)
            many(sql.CONTRACT_TALLY, [(*kind, total) for kind, total in self._kinds.items()])
        if self._handled:
            many(sql.HANDLE, self._handled)
        if self._values:
            self._flush_values()
        if self._counters:
            many(sql.COUNTER_PUT, [(*place, value) for place, value in self._counters.items()])
        if self._deliveries:
            many(sql.DELIVERY_NEW, self._deliveries)
        for statement, row in self._cold:
            self._connection.execute(statement, row)
        if self._tallies:
            many(sql.TALLY, [(*place, total) for place, total in self._tallies.items() if total])
        if self._delivery_tallies:
            many(sql.DELIVERY_TALLY, [row for row in self._delivery_tallies.items() if row[1]])

    def _flush_values(self) -> None:
        kept = [(*place, *stored) for place, stored in self._values.items() if stored[1] is not None]
        gone = [place for place, stored in self._values.items() if stored[1] is None]
        self._connection.executemany(sql.STATE_PUT, kept)
        self._connection.executemany(sql.STATE_DELETE, gone)

    def _handling(self, row: HandlingRow) -> tuple[Any, ...]:
        name = self._names.id
        return (name(row.flow), *row[1:8], name(row.handler), name(row.flow_version), row.error)

    def _mark(self, mark: Mark | HandlingRow) -> tuple[Any, ...]:
        return (self._names.id(mark.flow), mark.partition, mark.position, mark.generation)

    def _one(self, statement: str, bindings: tuple[Any, ...]) -> tuple[Any, ...] | None:
        return self._connection.execute(statement, bindings).fetchone()

    def _refuse_repeated(self, step: Step) -> None:
        self._touched.update(row[:4] for row in self._handled[self._indexed :])
        self._indexed = len(self._handled)
        touches = [self._mark(mark) for mark in (step.handling, step.supersede) if mark is not None]
        if step.delivery is not None:
            touches.append((step.delivery.id,))
        if not self._touched.isdisjoint(touches):
            raise Repeated
        self._touched.update(touches)

    def _check_states(self, step: Step) -> Problem | None:
        """The slow look at handling, delivery and answer states, for steps that change existing rows."""
        if step.handling is not None:
            found = self._one(sql.HANDLING_STATE, self._mark(step.handling))
            if found is not None and found[0] in FINAL:
                return ALREADY_HANDLED
        if step.supersede is not None:
            found = self._one(sql.HANDLING_STATE, self._mark(step.supersede))
            if found != (HandlingState.DEAD, 0):
                return AlreadyHandled("Only a dead letter that was not redriven yet can be redriven.")
        if step.delivery is not None and (problem := self._check_delivery(step.delivery)):
            return problem
        if step.answer is not None:
            found = self._one(sql.ANSWER_ANY, (step.answer.scope,))
            if step.answer.scope in self._new_scopes or (found is not None and found[0] > step.answer.at_us):
                return AlreadyHandled("This idempotency key has its answer already.")
        return None

    def _check_delivery(self, row: DeliveryRow) -> Problem | None:
        found = self._one(sql.DELIVERY_STATE, (row.id,))
        before = DeliveryState(found[0]) if found else None
        discards = before is DeliveryState.DEAD and row.state is DeliveryState.DISCARDED
        if before is DeliveryState.PENDING or discards:
            return None
        return AlreadyHandled(f"The delivery {row.id} is {before.name.lower() if before else 'unknown'}.")

    def _check_reads(self, result: StepResult) -> Problem | None:
        for table, key, version in result.reads:
            place = (self._names.id(table), key)
            current = self._versions.get(place)
            if current is None:
                found = self._one(sql.STATE_VERSION, place)
                current = found[0] if found else 0
            if current != version:
                return StaleRead(f"{table} changed since it was read.")
        return None

    def _check_adds(self, result: StepResult) -> Problem | None:
        """Apply all adds to the staged counters, or none."""
        wanted: dict[tuple[int, str], int] = {}
        for table, key, delta, floor, ceiling in result.adds:
            place = (self._names.id(table), key)
            value = wanted.get(place)
            if value is None:
                value = self._counter(place)
            value += delta
            if (floor is not None and value < floor) or (ceiling is not None and value > ceiling):
                return CounterRefused(f"The counter {table} would leave its bounds.")
            wanted[place] = value
        self._counters.update(wanted)
        return None

    def _counter(self, place: tuple[int, str]) -> int:
        if place in self._counters:
            return self._counters[place]
        found = self._one(sql.COUNTER_GET, place)
        return int(found[0]) if found else 0

    def _stage_puts(self, result: StepResult) -> None:
        for table, key, value in result.puts:
            place = (self._names.id(table), key)
            version = self.next_version
            self.next_version = version + 1
            self._values[place] = (version, value)
            self._versions[place] = 0 if value is None else version

    def _stage_cold(self, step: Step) -> None:
        if step.handling is not None:
            self._stage_rehandling(step.handling)
        if step.failed is not None:
            self._cold.append((sql.FAIL, (self._names.id(step.failed.flow), *step.failed[1:])))
        if step.hold is not None:
            held = step.hold
            self._cold.append((sql.HOLD, (self._names.id(held.flow), *held[1:12], *held.event)))
        if step.release is not None:
            self._cold.append((sql.RELEASE, self._mark(step.release)))
        if step.supersede is not None:
            place = self._mark(step.supersede)
            self._cold.append((sql.SUPERSEDE, place))
            self._cold.append((sql.RELEASE, place))
            self._tallies[place[0], HandlingState.DEAD] -= 1
        if step.answer is not None:
            self._new_scopes.add(step.answer.scope)
            self._cold.append((sql.ANSWER_NEW, tuple(step.answer)))
        if step.delivery is not None:
            self._stage_delivery(step.delivery)

    def _stage_rehandling(self, row: HandlingRow) -> None:
        place = self._mark(row)
        found = self._one(sql.HANDLING_STATE, place)
        if found is not None:
            self._tallies[place[0], found[0]] -= 1
        self._tallies[place[0], row.state] += 1
        self._cold.append((sql.HANDLE_AGAIN, self._handling(row)))

    def _stage_delivery(self, row: DeliveryRow) -> None:
        found = self._one(sql.DELIVERY_STATE, (row.id,))
        if found is not None:
            self._delivery_tallies[found[0]] -= 1
        self._delivery_tallies[row.state] += 1
        self._cold.append((sql.DELIVERY_CHANGE, (row.state, row.attempts, row.due_us, row.body, row.id)))
        if row.attempt is not None:
            self._cold.append((sql.DELIVERY_ATTEMPT, tuple(row.attempt)))
