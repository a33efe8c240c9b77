"""The ports of one life: EventLog, StateStore, Membership, Outbox and LogIndex over lines that break."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from interlock.model.event import Appended, Event
from interlock.model.problems import Problem
from interlock.model.step import Commit
from interlock.ports.event_log import AppendDone, Listener, LogCapabilities
from interlock.ports.state_store import CommitDone, StateCapabilities
from interlock.simulation.image import SECRET, Image, OutsideLog
from interlock.simulation.line import Line, LogEars


class SimulatedStore:
    """State, and the log with it unless that is elsewhere. Whatever is not written out here is asked of the image."""

    def __init__(self, image: Image, line: Line) -> None:
        self._image = image
        self._line = line
        self._ears = LogEars(line, image) if not image.apart else None
        self._wakes: list[Callable[[Collection[int]], None]] = []
        self.partitions = len(image.tables.log)
        self.secret = SECRET
        self.capabilities = StateCapabilities(fused_log=not image.apart, durable=True)
        self.log_capabilities = LogCapabilities("committed")

    def __getattr__(self, name: str) -> Any:
        """A coroutine of the image's store, asked over the line."""
        target, line = getattr(self._image.store, name), self._line

        async def ask(*args: Any, **named: Any) -> Any:
            return await line.ask(name, target, *args, **named)

        setattr(self, name, ask)
        return ask

    def submit(self, commit: Commit, done: CommitDone) -> None:
        self._line.send(
            "commit", lambda: self._commit(commit), lambda result, problem: self._committed(result, problem, done)
        )

    def append(self, events: Sequence[Event], done: AppendDone) -> None:
        self._line.send(
            "append", lambda: self._append(events), lambda result, problem: self._appended(result, problem, done)
        )

    def listen(self, listener: Listener) -> None:
        assert self._ears is not None
        self._ears.add(listener)

    def head(self, partition: int) -> int:
        assert self._ears is not None
        return self._ears.head(partition)

    async def follow(self, partitions: Collection[int]) -> None:
        if self._ears is not None:
            await self._line.ask("follow", self._image.store.heads)
            self._ears.follow(partitions)

    def on_emitted(self, wake: Callable[[Collection[int]], None]) -> None:
        self._wakes.append(wake)

    async def close(self) -> None:
        """The image goes on."""

    def _commit(self, commit: Commit) -> tuple[list[Problem | None], int]:
        outcomes, emitted = self._image.tables.apply(commit)
        world = self._line.world
        if world.story.kept:
            world.tell(self._line.life.name, told_commit(commit, outcomes))
        self._image.appended(emitted)
        return outcomes, self._image.length

    def _committed(
        self, result: tuple[list[Problem | None], int] | None, problem: Problem | None, done: CommitDone
    ) -> None:
        if result is None:
            done(None, problem)
            return
        outcomes, length = result
        if self._ears is not None:
            self._ears.hear(length)
        done(outcomes, None)
        if self._wakes:
            everything = range(self.partitions)
            for wake in self._wakes:
                wake(everything)

    def _append(self, events: Sequence[Event]) -> tuple[list[Appended], int]:
        places, fresh = self._image.tables.append(events)
        self._image.appended(fresh)
        return places, self._image.length

    def _appended(self, result: tuple[list[Appended], int] | None, problem: Problem | None, done: AppendDone) -> None:
        if result is None:
            done(None, problem)
            return
        places, length = result
        assert self._ears is not None
        self._ears.hear(length)
        done(places, None)


class SimulatedLog:
    """A log elsewhere (EventLog)."""

    def __init__(self, image: Image, line: Line) -> None:
        assert isinstance(image.log_tables, OutsideLog)
        self._image = image
        self._line = line
        self._ears = LogEars(line, image)
        self.partitions = len(image.log_tables.log)
        self.secret = SECRET
        dedupes = image.log_tables.dedupes
        self.log_capabilities = LogCapabilities(
            "acknowledged", dedupes=dedupes, atomic=False, dedupe_seconds=60.0 if dedupes else 0.0
        )

    def append(self, events: Sequence[Event], done: AppendDone) -> None:
        if self._line.world.strikes("sent twice", self._line.place, "append"):
            self._line.send("append", lambda: self._append(events), lambda result, problem: None)
        self._line.send(
            "append", lambda: self._append(events), lambda result, problem: self._appended(result, problem, done)
        )

    async def read(self, partition: int, after: int, limit: int) -> Any:
        return await self._line.ask("read", self._image.log.read, partition, after, limit)

    def head(self, partition: int) -> int:
        return self._ears.head(partition)

    async def heads(self) -> list[int]:
        return await self._line.ask("heads", self._image.log.heads)

    def listen(self, listener: Listener) -> None:
        self._ears.add(listener)

    async def follow(self, partitions: Collection[int]) -> None:
        await self._line.ask("follow", self._image.log.heads)
        self._ears.follow(partitions)

    async def close(self) -> None:
        """The log goes on."""

    def _append(self, events: Sequence[Event]) -> tuple[list[Appended], int]:
        places, fresh = self._image.log_tables.append(events)
        self._image.appended(fresh)
        return places, self._image.length

    def _appended(self, result: tuple[list[Appended], int] | None, problem: Problem | None, done: AppendDone) -> None:
        if result is None:
            done(None, problem)
        else:
            self._ears.hear(result[1])
            done(result[0], None)


def told_commit(commit: Commit, outcomes: Sequence[Problem | None]) -> str:
    """What a commit was about, for the story."""
    parts = []
    for step, outcome in zip(commit.steps, outcomes, strict=True):
        said = "" if outcome is None else f" ({outcome.code})"
        row, call = step.handling, step.delivery
        if row is not None:
            parts.append(f"{row.flow} {row.partition}/{row.position} gen {row.generation} {row.state.name}{said}")
        elif call is not None:
            parts.append(f"call {call.system}.{call.operation} {call.state.name}{said}")
        elif step.answer is not None:
            parts.append(f"answer {step.answer.status}{said}")
        else:
            parts.append(f"step{said}")
        parts += [f"+{event.type}" for event in step.result.emits if outcome is None]
    parts += [f"cursor {flow} {partition}→{position}" for flow, partition, position in commit.cursors]
    return "commits " + "; ".join(parts) if parts else "commits refusals"
