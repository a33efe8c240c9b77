"""What a store still carries, for whoever judges contracts by it; also while an engine runs on it."""

from __future__ import annotations

from pathlib import Path

from interlock.adapters.sqlite import SqliteReader, SqliteSchemas
from interlock.estate.replayable_checks import Replayable
from interlock.registry.estate_subjects import documents


async def replayable(store: Path) -> Replayable:
    """Read-only. Raises NotFound when there is no store, FormatUnsupported for one of another release."""
    reader = SqliteReader(store)
    try:
        carried = await reader.carried()
    finally:
        await reader.close()
    schemas = SqliteSchemas.reading(store)
    try:
        return Replayable(carried, await documents(schemas, {one.type for one in carried}))
    finally:
        await schemas.close()
