"""The embedded default: everything in one SQLite file."""

from interlock.adapters.sqlite.reader import SqliteReader
from interlock.adapters.sqlite.schemas import SqliteSchemas
from interlock.adapters.sqlite.store import SqliteStore

__all__ = ["SqliteReader", "SqliteSchemas", "SqliteStore"]
