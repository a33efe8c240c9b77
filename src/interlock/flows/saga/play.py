"""A saga's code, played against its journal: what was done is told again, what is new is handed out to be done.

Nothing here does I/O or waits. The code is driven by hand, without the event loop, so that its order is that of the
journal: what settled first is told first. Branches and children are fibers of their own.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

from interlock.flows.saga.journal import Journal, Place, hash_of
from interlock.flows.saga.records import Entry, EntryKind
from interlock.model.problems import CallerProblem, ConflictProblem, Diverged
from interlock.model.saga import EntryState
from interlock.sdk.saga import (
    ChildOperation,
    GatherOperation,
    Operation,
    SleepOperation,
    StepFailed,
    StepOperation,
    Undo,
    WaitOperation,
)

BUSINESS = (StepFailed, CallerProblem, ConflictProblem)  # failures that a saga's code may end with; others are defects


class Ended(Exception):
    """Somebody cancelled the run, or its deadline passed. Its code never sees this."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class UndoOperation(Operation[bool]):
    """Undo a finished step. True when it is undone; False when that failed for good."""

    __slots__ = ("entry", "step", "undo")

    def __init__(self, entry: Entry, step: StepOperation[Any], undo: Undo) -> None:
        self.entry = entry
        self.step = step
        self.undo = undo


class AnswerOperation(Operation[None]):
    """Wait until an outside call that is under way has its answer, whatever that is."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number


class Scope:
    """The steps that are undone together: those of a saga, or of a child that runs or failed."""

    __slots__ = ("begun", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.begun: dict[Place, StepOperation[Any]] = {}  # in order of their beginning


class Fiber:
    """A line of execution. `ended(value, error)` is told once, unless it is dropped before."""

    __slots__ = ("code", "counts", "ended", "gone", "inner", "path", "scope")

    def __init__(
        self,
        code: Coroutine[Any, Any, Any],
        scope: Scope,
        path: str,
        ended: Callable[[Any, Exception | None], None],
    ) -> None:
        self.code = code
        self.scope = scope
        self.path = path
        self.ended = ended
        self.gone = False
        self.inner: list[Fiber] = []  # branches and children that it waits for
        self.counts: defaultdict[str, int] = defaultdict(int)


class Wanted(NamedTuple):
    """An operation that has no entry yet, and the one that waits for it."""

    fiber: Fiber
    operation: Operation[Any]
    place: Place
    kind: EntryKind
    arguments: str


class Told(NamedTuple):
    """An operation that has its entry, open or settled."""

    fiber: Fiber
    operation: Operation[Any]
    number: int


class Play:
    """One saga's code. `go` runs it as far as it gets; then `wanted` is what is to be done, and `over` says whether
    it came to its end, `undoing` of what it failed. `failed_undos` counts what could not be undone.

    Raises Diverged, and what the code raises as a defect.
    """

    def __init__(
        self, code: Coroutine[Any, Any, Any], journal: Journal, decode: Callable[[Operation[Any], Entry], Any]
    ) -> None:
        """`decode` makes the value of an operation out of its settled entry, or raises its StepFailed."""
        self._journal = journal
        self._decode = decode
        self._ready: deque[tuple[Fiber, Any, Exception | None]] = deque()
        self._told: list[Told] = []
        self._used: set[Place] = set()
        self.wanted: list[Wanted] = []
        self.over = False
        self.undoing: Exception | None = None
        self.failed_undos = 0
        self._main = self._begin(code, Scope(""), "", self._ended)

    def go(self) -> None:
        """Run all that can run. Afterwards everything waits: for `wanted`, or for entries to be settled."""
        while True:
            while self._ready:
                self._resume(*self._ready.popleft())
            told, end = self._next_told(), self._journal.end
            if end is not None and self._runs and (told is None or self._settled(told) > end.settled):
                self._end(Ended(end.kind))
            elif told is not None:
                self._tell(told)
            else:
                return

    def close(self) -> None:
        """The play is broken off: its coroutines are closed, and none is reported as never awaited."""
        self._drop(self._main)

    def begun(self, wanted: Wanted, entry: Entry) -> None:
        """The operation has its entry by now."""
        self.wanted.remove(wanted)
        if not wanted.fiber.gone:
            self._told.append(Told(wanted.fiber, wanted.operation, entry.number))

    def waiting(self) -> list[Entry]:
        """The open entries that the code waits for."""
        entries = (self._journal.number(told.number) for told in self._told)
        return [entry for entry in entries if entry is not None and entry.state is EntryState.OPEN]

    @property
    def _runs(self) -> bool:
        return self.undoing is None and not self.over

    # Fibers

    def _begin(
        self,
        code: Coroutine[Any, Any, Any],
        scope: Scope,
        path: str,
        ended: Callable[[Any, Exception | None], None],
        outer: Fiber | None = None,
    ) -> Fiber:
        fiber = Fiber(code, scope, path, ended)
        if outer is not None:
            outer.inner.append(fiber)
        self._ready.append((fiber, None, None))
        return fiber

    def _drop(self, fiber: Fiber) -> None:
        """Nothing more of it is begun. What it did, or has under way, is left to the scope that it was part of."""
        if fiber.gone:
            return
        fiber.gone = True
        for inner in [one for one in fiber.inner if not one.gone]:
            self._drop(inner)
            fiber.scope.begun.update(inner.scope.begun)
        self.wanted = [one for one in self.wanted if one.fiber is not fiber]
        self._told = [one for one in self._told if one.fiber is not fiber]
        with suppress(RuntimeError):  # it awaits in its `finally`, where nothing is carried out any more
            fiber.code.close()

    def _resume(self, fiber: Fiber, value: Any, error: Exception | None) -> None:
        if fiber.gone:
            return
        try:
            asked = fiber.code.send(value) if error is None else fiber.code.throw(error)
        except StopIteration as stop:
            fiber.gone = True
            fiber.ended(stop.value, None)
        except BUSINESS as failure:
            fiber.gone = True
            fiber.ended(None, failure)
        else:
            self._ask(fiber, asked)

    def _ask(self, fiber: Fiber, asked: Any) -> None:
        match asked:
            case StepOperation():
                place = self._place(fiber, asked.name, asked.key)
                fiber.scope.begun[place] = asked
                self._look_up(fiber, asked, place, "step", hash_of(asked.arguments))
            case WaitOperation():
                place = self._place(fiber, asked.name, asked.key)
                self._look_up(fiber, asked, place, "wait", hash_of((asked.event_type, asked.event_key)))
            case SleepOperation():
                place = self._place(fiber, asked.name, asked.key)
                self._look_up(fiber, asked, place, "sleep", hash_of(asked.seconds))
            case UndoOperation():
                place = (f"undo {asked.entry.name}", asked.entry.key)
                self._look_up(fiber, asked, place, "undo", asked.entry.arguments)
            case AnswerOperation():
                self._told.append(Told(fiber, asked, asked.number))
            case GatherOperation():
                self._gather(fiber, asked)
            case ChildOperation():
                self._child(fiber, asked)
            case _:
                raise Diverged(f"The saga awaits {type(asked).__name__}, which cannot be repeated after a restart.")

    def _look_up(self, fiber: Fiber, asked: Operation[Any], place: Place, kind: EntryKind, arguments: str) -> None:
        entry = self._journal.find(place, kind, arguments)
        if entry is None:
            self.wanted.append(Wanted(fiber, asked, place, kind, arguments))
        else:
            self._told.append(Told(fiber, asked, entry.number))

    def _place(self, fiber: Fiber, name: str, key: str | None) -> Place:
        """Loop keys that nobody gave are counted along the fiber."""
        if key is None:
            fiber.counts[name] += 1
            key = f"{fiber.path}#{fiber.counts[name]}"
        place = name, f"{fiber.scope.name}{key}"
        if place in self._used:
            raise Diverged(f"Two steps are named {name} with the key {key}: give each its own key=.")
        self._used.add(place)
        return place

    # Telling

    def _settled(self, told: Told) -> int:
        entry = self._journal.number(told.number)
        return entry.settled if entry is not None else 0

    def _next_told(self) -> Told | None:
        """What settled first of what is waited for."""
        return min((told for told in self._told if self._settled(told)), key=self._settled, default=None)

    def _tell(self, told: Told) -> None:
        self._told.remove(told)
        fiber, operation, number = told
        entry = self._journal.number(number)
        assert entry is not None
        value, failure = None, None
        if isinstance(operation, UndoOperation):
            value = entry.state is EntryState.DONE
            self.failed_undos += not value
        elif not isinstance(operation, AnswerOperation):
            try:
                value = self._decode(operation, entry)
            except StepFailed as failed:
                failure = failed
        self._ready.append((fiber, value, failure))

    # Branches and children

    def _gather(self, fiber: Fiber, asked: GatherOperation) -> None:
        fiber.counts["gather"] += 1
        path = f"{fiber.path}/{fiber.counts['gather']}"
        results: list[Any] = [None] * len(asked.branches)
        left = len(asked.branches)
        fiber.inner = []

        def ended(index: int, value: Any, error: Exception | None) -> None:
            nonlocal left
            results[index] = value
            left -= 1
            if error is not None:
                for branch in fiber.inner:
                    self._drop(branch)
                self._ready.append((fiber, None, error))
            elif not left:
                self._ready.append((fiber, tuple(results), None))

        for index, branch in enumerate(asked.branches):
            code = _awaiting(branch) if isinstance(branch, Operation) else branch
            self._begin(code, fiber.scope, f"{path}.{index}", partial(ended, index), fiber)
        if not left:
            self._ready.append((fiber, (), None))

    def _child(self, fiber: Fiber, asked: ChildOperation[Any]) -> None:
        name, key = self._place(fiber, asked.name, asked.key)
        scope = Scope(f"{fiber.scope.name}{name}{key}:")
        fiber.inner = []

        def ended(value: Any, error: Exception | None) -> None:
            if error is None:
                fiber.scope.begun.update(scope.begun)
                self._ready.append((fiber, value, None))
            else:
                self._begin(self._undo(scope), scope, "", partial(undone, error), fiber)

        def undone(error: Exception, _: Any, broke: Exception | None) -> None:
            self._ready.append((fiber, None, broke or error))

        self._begin(asked.body, scope, "", ended, fiber)

    # The end

    def _ended(self, _: Any, error: Exception | None) -> None:
        if error is None:
            self.over = True
        else:
            self._end(error)

    def _end(self, error: Exception) -> None:
        self._drop(self._main)
        self.undoing = error
        scope = self._main.scope
        self._main = self._begin(self._undo(scope), scope, "", self._undone)

    def _undone(self, _: Any, error: Exception | None) -> None:
        assert error is None
        self.over = True

    async def _undo(self, scope: Scope) -> None:
        """The last one first. A call that is under way is waited for: undone before it arrives, it would stay done."""
        for entry in self._entries_of(scope):
            if entry.state is EntryState.OPEN:
                await AnswerOperation(entry.number)
        finished = [entry for entry in self._entries_of(scope) if entry.state is EntryState.DONE]
        for entry in sorted(finished, key=lambda entry: -entry.settled):
            step = scope.begun[entry.name, entry.key]
            if step.undo is not None:
                await UndoOperation(entry, step, step.undo)

    def _entries_of(self, scope: Scope) -> list[Entry]:
        found = [self._journal.at(place) for place in scope.begun]
        return [entry for entry in found if entry is not None]


async def _awaiting(operation: Operation[Any]) -> Any:
    return await operation
