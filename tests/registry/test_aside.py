"""What computes long runs aside: the event loop, which is the engine's, waits for none of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from interlock.adapters.memory_schemas import MemorySchemas
from interlock.adapters.worker_thread import WorkerThread
from interlock.contracts import diff
from interlock.registry import schema_reading
from interlock.registry.registry import Registry
from interlock.registry.schema_reading import AskedSchema

OPEN, CLOSED = '{"type":"object"}', '{"type":"object","additionalProperties":false}'


async def test_schemas_are_read_and_compared_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    where: dict[str, set[str]] = {}

    def watched(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*words: Any, **more: Any) -> Any:
            where.setdefault(name, set()).add(threading.current_thread().name)
            return call(*words, **more)

        return run

    monkeypatch.setattr(schema_reading, "compiled", watched("compiled", schema_reading.compiled))
    monkeypatch.setattr(schema_reading, "parse", watched("parse", schema_reading.parse))
    monkeypatch.setattr(diff, "changes", watched("changes", diff.changes))
    thread = WorkerThread("aside")
    registry = Registry.on(MemorySchemas(), aside=thread.run)
    await registry.registration.register("a", AskedSchema(OPEN, "JSON"))
    assert await registry.registration.objections("a", AskedSchema(CLOSED, "JSON"))
    await registry.standings.of("a")
    await thread.close()
    assert set(where) == {"compiled", "parse", "changes"}
    assert set().union(*where.values()) == {"aside_0"}
