"""What a batch must know before it can be checked: asked for in one round trip, answered for all of its steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from interlock.adapters.postgres import aside_sql, sql
from interlock.adapters.postgres.claims import Claims, Identity, Place
from interlock.adapters.postgres.columns import Ints, Texts, columns
from interlock.adapters.postgres.connection import Connection, Row
from interlock.adapters.postgres.names import Names
from interlock.model.event import Event
from interlock.model.handling import Mark
from interlock.model.record import HandlingRow
from interlock.model.step import Commit, Step

Cell = tuple[int, str]
MarkRow = tuple[int, int, int, int]
ANY_VERSION, ANYTHING = -1, -2
MOST = 2**63 - 1


class Lookup:
    """Wants first, then answers. A batch that wants nothing costs no round trip.

    careful   look at the mark of every step, and at who may write; else only at the marks of steps that change what
              exists already, and leave the rest to the unique index and the guards
    shared    others write to the same cells: look at those that are only written, too
    """

    def __init__(self, names: Names, *, careful: bool, shared: bool) -> None:
        self._names = names
        self._careful = careful
        self._shared = shared
        self._heads: set[int] = set()
        self._events: list[Event] = []
        self._marks: dict[MarkRow, None] = {}
        self._cells: dict[Cell, None] = {}
        self._counters: dict[Cell, None] = {}
        self._deliveries: dict[str, None] = {}
        self._scopes: dict[str, None] = {}
        self._cursors: dict[tuple[int, int], None] = {}
        self._ends: dict[int, None] = {}
        self._owners: dict[int, set[int]] = {}
        self.claimed: dict[Identity, Place] = {}
        self.marks: dict[MarkRow, tuple[int, int]] = {}
        self.versions: dict[Cell, int] = {}
        self.counters: dict[Cell, int] = {}
        self.deliveries: dict[str, int] = {}
        self.answers: dict[str, int] = {}
        self.ends: dict[int, int] = {}
        self.living: set[int] = set()
        self.leases: dict[int, int] = {}
        self.cursors: dict[tuple[int, int], int] = {}

    @property
    def judges(self) -> bool:
        """Whether it was looked up who lives and has which partitions. Otherwise the guards find out."""
        return bool(self._owners)

    def want_events(self, events: Sequence[Event]) -> None:
        self._events += events
        self._heads.update(event.partition for event in events)

    def want_ends(self, partitions: Iterable[int]) -> None:
        """How far the partitions are indexed. Where nobody looked, a guard of the transaction does."""
        if self._careful:
            self._ends.update(dict.fromkeys(partitions))

    def want_commit(self, commit: Commit, partitions: set[int]) -> None:
        """Raises UnknownWord."""
        for step in commit.steps:
            self.want_step(step)
        if self._careful:
            self.want_owner(commit, partitions)

    def want_owner(self, commit: Commit, partitions: set[int]) -> None:
        """Whether the epoch lives, and which of the partitions and cursors are its own."""
        self._owners.setdefault(commit.epoch, set()).update(partitions)
        for flow, partition, _ in commit.cursors:
            self._cursors[self._names.find(flow), partition] = None

    def want_step(self, step: Step) -> None:
        result, numbers = step.result, self._names.ids
        if result.emits:
            self._heads.update(event.partition for event in result.emits)
        if step.handling is not None and (self._careful or changes_existing(step)):
            self._marks[mark_row(self._names, step.handling)] = None
        if step.supersede is not None:
            self._marks[mark_row(self._names, step.supersede)] = None
        if step.delivery is not None:
            self._deliveries[step.delivery.id] = None
        if step.answer is not None:
            self._scopes[step.answer.scope] = None
        for table, key, _ in result.reads:
            self._cells[numbers[table], key] = None
        for table, key, _ in result.puts if self._shared else ():
            self._cells[numbers[table], key] = None
        for table, key, *_ in result.adds:
            self._counters[numbers[table], key] = None

    def holds(self) -> Iterable[tuple[str, Sequence[Any]]]:
        """Statements that keep all of it as it is until the transaction ends: in the order in which a batch writes."""
        if self._owners:
            yield sql.HOLD_MEMBERS, (Ints(sorted(self._owners)),)
        if self._heads:
            yield sql.HEADS_LOCK, (Ints(sorted(self._heads)),)
        if self._cells:
            cells = sorted(self._cells)
            yield sql.ABSENT_NEW, columns(sql.CELL_KINDS, cells)
            yield sql.STATE_HOLD, columns(sql.STATE_HOLD_KINDS, [(*cell, ANYTHING, 1) for cell in cells])
        if self._counters:
            nothing = [(*cell, 0, -MOST - 1, MOST) for cell in sorted(self._counters)]
            yield sql.COUNTER_ADD, columns(sql.ADD_KINDS, nothing)
        if self._deliveries:
            yield sql.DELIVERY_HOLD, (Texts(self._deliveries),)
        if self._scopes:
            yield sql.ANSWER_HOLD, (Texts(self._scopes),)

    async def run(self, connection: Connection, claims: Claims) -> bool:
        """Ask. False when the dedupe bucket has changed meanwhile: then the answers are not to be used."""
        questions = list(self._questions(claims))
        if not questions:
            return True
        cursors = []
        async with connection.pipeline():
            for statement, bindings in questions:
                cursors.append(await connection.execute(statement.encode(), bindings, binary=True))
        answers: dict[str, list[Row]] = {}
        for (statement, _), cursor in zip(questions, cursors, strict=True):
            answers.setdefault(statement, []).extend(await cursor.fetchall())
        return self._take(answers, claims)

    def _questions(self, claims: Claims) -> Iterable[tuple[str, Sequence[Any]]]:
        if self._owners:
            yield sql.FIND_LIVING, (Ints(self._owners),)
            yield sql.FIND_LEASES, (Ints(set().union(*self._owners.values())),)
        if self._cursors:
            yield sql.FIND_CURSORS, columns((Ints, Ints), list(self._cursors))
        if self._ends:
            yield aside_sql.FIND_ENDS, (Ints(self._ends),)
        if self._events:
            identities = Texts(event.id for event in self._events), Texts(event.source for event in self._events)
            yield sql.CLAIM_NEWEST, ()
            for table in claims.tables:
                yield sql.CLAIM_FIND[table], identities
        if self._marks:
            yield sql.FIND_MARKS, columns(sql.MARK_KINDS, list(self._marks))
        if self._cells:
            yield sql.FIND_VERSIONS, columns(sql.CELL_KINDS, list(self._cells))
        if self._counters:
            yield sql.FIND_COUNTERS, columns(sql.CELL_KINDS, list(self._counters))
        if self._deliveries:
            yield sql.FIND_DELIVERIES, (Texts(self._deliveries),)
        if self._scopes:
            yield sql.FIND_ANSWERS, (Texts(self._scopes),)

    def _take(self, answers: dict[str, list[Row]], claims: Claims) -> bool:
        for table in claims.tables if self._events else ():
            for event_id, source, partition, position in answers[sql.CLAIM_FIND[table]]:
                self.claimed[source, event_id] = (partition, position)
        for flow, partition, position, generation, *state in answers.get(sql.FIND_MARKS, ()):
            self.marks[flow, partition, position, generation] = (state[0], state[1])
        self.versions = {(table, key): version for table, key, version in answers.get(sql.FIND_VERSIONS, ())}
        self.counters = {(table, key): value for table, key, value in answers.get(sql.FIND_COUNTERS, ())}
        self.deliveries = dict(answers.get(sql.FIND_DELIVERIES, ()))
        self.answers = dict(answers.get(sql.FIND_ANSWERS, ()))
        self.ends = dict(answers.get(aside_sql.FIND_ENDS, ()))
        self.living = {epoch for (epoch,) in answers.get(sql.FIND_LIVING, ())}
        self.leases = dict(answers.get(sql.FIND_LEASES, ()))
        self.cursors = {(flow, partition): epoch for flow, partition, epoch in answers.get(sql.FIND_CURSORS, ())}
        return not self._events or answers[sql.CLAIM_NEWEST][0][0] == claims.newest


def mark_row(names: Names, mark: Mark | HandlingRow) -> MarkRow:
    return names.ids[mark.flow], mark.partition, mark.position, mark.generation


def changes_existing(step: Step) -> bool:
    """Whether the step is one of those whose mark is likely to exist."""
    return bool(step.hold or step.release or step.supersede or step.delivery or step.answer or step.failed)
