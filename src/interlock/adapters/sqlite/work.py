"""The two kinds of work that a transaction consists of: appended events and committed steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import apsw

from interlock.adapters.sqlite import sql
from interlock.adapters.sqlite.file import is_infrastructure
from interlock.model.event import Appended, Event
from interlock.model.problems import AlreadyHandled, Fenced, Problem, Unexpected
from interlock.model.step import Commit, Step
from interlock.ports.event_log import AppendDone
from interlock.ports.state_store import CommitDone

if TYPE_CHECKING:
    from interlock.adapters.sqlite.store import SqliteStore

T = TypeVar("T")


class AppendWork:
    """Events of one append call; the dedupe of all calls of a transaction is one lookup, made by the store."""

    __slots__ = ("_appended", "_done", "_refused", "_store", "events", "weight")

    def __init__(self, store: SqliteStore, events: Sequence[Event], done: AppendDone) -> None:
        self._store = store
        self.events = events
        self._done = done
        self._appended: list[Appended] = []
        self._refused: Problem | None = None
        self.weight = len(events)

    def stage(self) -> None:
        self._appended = self._store.stage_events(self.events)

    def stage_alone(self) -> None:
        self._refused = alone(self._store, self.stage)

    def finish(self, problem: Problem | None) -> None:
        refused = problem or self._refused
        self._done(None, refused) if refused else self._done(self._appended, None)


class CommitWork:
    """The steps of one submit call, with their cursor moves, under one epoch."""

    __slots__ = ("_commit", "_done", "_outcomes", "_refused", "_store", "weight")

    def __init__(self, store: SqliteStore, commit: Commit, done: CommitDone) -> None:
        self._store = store
        self._commit = commit
        self._done = done
        self._outcomes: list[Problem | None] = []
        self._refused: Problem | None = None
        self.weight = max(1, len(commit.steps))

    def stage(self) -> None:
        if self._fence():
            return
        batch = self._store.batch
        self._outcomes = [batch.step(step) for step in self._commit.steps]
        self._rest()

    def stage_alone(self) -> None:
        if self._fence():
            return
        self._refused = alone(self._store, self._rest)  # first, since a cursor of another owner refuses the steps too
        if self._refused is None:
            self._outcomes = [self._step_alone(step) for step in self._commit.steps]

    def finish(self, problem: Problem | None) -> None:
        refused = problem or self._refused
        self._done(None, refused) if refused else self._done(self._outcomes, None)

    def _step_alone(self, step: Step) -> Problem | None:
        def stage() -> None:
            problem = self._store.batch.step(step)
            if problem is not None:
                raise problem

        return alone(self._store, stage)

    def _fence(self) -> bool:
        current = self._store.epoch_on_disk()
        if current != self._commit.epoch:
            self._refused = Fenced(f"Epoch {self._commit.epoch} is over; {current} owns the store.")
        return self._refused is not None

    def _rest(self) -> None:
        self._store.batch.refuse(self._commit.refusals)
        names, connection = self._store.names, self._store.connection
        for flow, partition, position in self._commit.cursors:
            connection.execute(sql.CURSOR_MOVE, (position, names.id(flow), partition, self._commit.epoch))
            if not connection.changes():
                raise Fenced(f"The cursor of {flow} belongs to another epoch.")


def alone(store: SqliteStore, stage: Callable[[], None]) -> Problem | None:
    """Stage and flush within a savepoint; the problem when that fails by the part's own fault."""
    connection = store.connection
    connection.execute("SAVEPOINT alone")
    store.new_batch(alone=True)
    try:
        stage()
        store.flush_batch()
    except Exception as error:
        if is_infrastructure(error):
            raise
        connection.execute("ROLLBACK TO alone")
        connection.execute("RELEASE alone")
        store.forget_batch()
        return blamed(error)
    connection.execute("RELEASE alone")
    return None


def blamed(error: Exception) -> Problem:
    """The problem of a part that cannot be stored."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, apsw.ConstraintError):
        return AlreadyHandled(f"The store has it already: {error}.")
    return Unexpected.of(error, "The store refused it")


def within_savepoint(connection: apsw.Connection, call: Callable[[apsw.Connection], T]) -> T | Problem:
    """The result of `call`, or the problem it raised, whose writes are undone."""
    connection.execute("SAVEPOINT apart")
    try:
        result: T | Problem = call(connection)
    except Exception as error:
        if is_infrastructure(error):
            raise
        connection.execute("ROLLBACK TO apart")
        result = blamed(error)
    connection.execute("RELEASE apart")
    return result


class CallWork:
    """A function that runs within a transaction: upkeep, off the hot path."""

    __slots__ = ("_call", "_done", "weight")

    def __init__(self, call: Callable[[], None], done: Callable[[Problem | None], None]) -> None:
        self._call = call
        self._done = done
        self.weight = 1

    def stage(self) -> None:
        self._call()

    def stage_alone(self) -> None:
        self._call()

    def finish(self, problem: Problem | None) -> None:
        self._done(problem)
