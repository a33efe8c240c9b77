"""Runs of sagas, as the record has them: which are open, what each has done, and which versions still have any."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import msgspec

from interlock.flows.saga.records import Entry, Run
from interlock.model.clock import to_rfc3339
from interlock.model.problems import NotFound
from interlock.model.saga import ENDED, JOURNAL, RUNS, RunState
from interlock.ports.record_reader import RecordReader

PAGE = 500
_run = msgspec.json.Decoder(Run).decode
_entry = msgspec.json.Decoder(Entry).decode


class Version(NamedTuple):
    """How many runs of one version of a saga are not over."""

    flow: str
    saga: str
    version: int
    open: int


class RunStory(NamedTuple):
    run: Run
    entries: list[Entry]

    def as_data(self, payload: bool) -> dict[str, Any]:
        """`payload`: with the results of the steps and the starting event's body, which may hold personal data."""
        return run_data(self.run) | {
            "steps": [entry_data(entry, payload) for entry in self.entries],
            **({"body": msgspec.json.decode(self.run.start.body)} if payload else {}),
        }


async def list_runs(
    reader: RecordReader, flow: str | None, state: RunState | None, *, ended: bool, limit: int
) -> list[Run]:
    """The newest ones, the newest last. `ended`: those that are over instead of those that are not."""
    found = [
        run
        async for run in _runs(reader, ENDED if ended else RUNS)
        if flow in (None, run.flow) and state in (None, run.state)
    ]
    return sorted(found, key=lambda run: (run.started_us, run.id))[-limit:]


async def find_run(reader: RecordReader, run_id: str) -> RunStory:
    """NotFound when no run has this id, or several begin with it."""
    found = [run for table in (RUNS, ENDED) async for run in _runs(reader, table, run_id)]
    if len(found) != 1:
        what = "There is no run" if not found else f"{len(found)} runs begin with"
        raise NotFound(f"{what} {run_id}.", next_step="List them with: interlock runs list")
    return RunStory(found[0], await entries_of(reader, found[0].id))


async def entries_of(reader: RecordReader, run_id: str) -> list[Entry]:
    """The journal of a run; empty when there is no such run."""
    return [_entry(value) async for _, value in _values(reader, JOURNAL, f"{run_id}/")]


async def is_over(reader: RecordReader, run_id: str) -> bool:
    return bool([run async for run in _runs(reader, ENDED, run_id)])


async def versions(reader: RecordReader) -> list[Version]:
    """Those that have open runs."""
    counted = Counter([(run.flow, run.saga, run.version) async for run in _runs(reader, RUNS)])
    return [Version(*one, total) for one, total in sorted(counted.items())]


def run_data(run: Run) -> dict[str, Any]:
    return {
        "run": run.id,
        "flow": run.flow,
        "saga": run.saga,
        "version": run.version,
        "state": run.state.name.lower(),
        "reason": run.reason,
        "waits_for": list(run.waits_for),
        "event": run.start.id,
        "correlation": run.start.correlation or run.start.id,
        "started": to_rfc3339(run.started_us),
        "updated": to_rfc3339(run.updated_us),
        "deadline": to_rfc3339(run.deadline_us) if run.deadline_us is not None else None,
    }


def entry_data(entry: Entry, payload: bool) -> dict[str, Any]:
    return {
        "number": entry.number,
        "kind": entry.kind,
        "name": entry.name,
        "key": entry.key,
        "state": entry.state.name.lower(),
        "at": to_rfc3339(entry.at_us),
        "error": entry.error,
        "delivery": entry.delivery,
        "due": to_rfc3339(entry.due_us) if entry.due_us is not None else None,
        **({"result": msgspec.json.decode(entry.result)} if payload else {}),
    }


async def _runs(reader: RecordReader, table: str, prefix: str = "") -> AsyncIterator[Run]:
    async for _, value in _values(reader, table, prefix):
        yield _run(value)


async def _values(reader: RecordReader, table: str, prefix: str) -> AsyncIterator[tuple[str, bytes]]:
    """All of the table whose keys begin so, page by page."""
    after = f"{prefix[:-1]}{chr(ord(prefix[-1]) - 1)}\U0010ffff" if prefix else ""
    while page := await reader.values(table, after, PAGE):
        for key, value in page:
            if not key.startswith(prefix):
                return
            yield key, value
        after = page[-1][0]
