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


class Lookup:
    """Wants first, then answers. A batch that wants nothing costs no round trip.

    careful   look at the mark of every step; else only at those of steps that change what exists already, and leave
              the rest to the unique index
    """

    def __init__(self, names: Names, *, careful: bool) -> None:
        self._names = names
        self._careful = careful
        self._events: list[Event] = []
        self._marks: dict[MarkRow, None] = {}
        self._cells: dict[Cell, None] = {}
        self._counters: dict[Cell, None] = {}
        self._deliveries: dict[str, None] = {}
        self._scopes: dict[str, None] = {}
        self._cursors: dict[tuple[int, int], None] = {}
        self._ends: dict[int, None] = {}
        self._epoch: int | None = None
        self.epoch: int | None = None
        self.claimed: dict[Identity, Place] = {}
        self.marks: dict[MarkRow, tuple[int, int]] = {}
        self.versions: dict[Cell, int] = {}
        self.counters: dict[Cell, int] = {}
        self.deliveries: dict[str, int] = {}
        self.answers: dict[str, int] = {}
        self.cursors: set[tuple[int, int]] = set()
        self.ends: dict[int, int] = {}

    def want_events(self, events: Sequence[Event]) -> None:
        self._events += events

    def want_ends(self, partitions: Iterable[int]) -> None:
        """How far the partitions are indexed. Where nobody looked, a guard of the transaction does."""
        if self._careful:
            self._ends.update(dict.fromkeys(partitions))

    def want_commit(self, commit: Commit) -> None:
        """Raises UnknownWord."""
        for step in commit.steps:
            self.want_step(step)
        if self._careful:
            self.want_owner(commit)

    def want_owner(self, commit: Commit) -> None:
        """Whose epoch it is, and which of the cursors are its own."""
        self._epoch = commit.epoch
        for flow, partition, _ in commit.cursors:
            self._cursors[self._names.find(flow), partition] = None

    def want_step(self, step: Step) -> None:
        result, name = step.result, self._names.id
        if step.handling is not None and (self._careful or changes_existing(step)):
            self._marks[mark_row(self._names, step.handling)] = None
        if step.supersede is not None:
            self._marks[mark_row(self._names, step.supersede)] = None
        if step.delivery is not None:
            self._deliveries[step.delivery.id] = None
        if step.answer is not None:
            self._scopes[step.answer.scope] = None
        for table, key, _ in result.reads:
            self._cells[name(table), key] = None
        for table, key, *_ in result.adds:
            self._counters[name(table), key] = None

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
        if self._epoch is not None:
            yield sql.EPOCH, ()
        if self._cursors:
            flows, partitions = zip(*self._cursors, strict=True)
            yield sql.FIND_CURSORS, (Ints(flows), Ints(partitions), self._epoch)
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
        self.cursors = {(flow, partition) for flow, partition in answers.get(sql.FIND_CURSORS, ())}
        self.ends = dict(answers.get(aside_sql.FIND_ENDS, ()))
        if self._epoch is not None:
            self.epoch = answers[sql.EPOCH][0][0]
        return not self._events or answers[sql.CLAIM_NEWEST][0][0] == claims.newest


def mark_row(names: Names, mark: Mark | HandlingRow) -> MarkRow:
    return names.id(mark.flow), mark.partition, mark.position, mark.generation


def changes_existing(step: Step) -> bool:
    """Whether the step is one of those whose mark is likely to exist."""
    return bool(step.hold or step.release or step.supersede or step.delivery or step.answer or step.failed)
