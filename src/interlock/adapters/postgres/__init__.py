"""Past one machine: log, state and record in one schema of a PostgreSQL database."""

from interlock.adapters.postgres.reader import PostgresReader
from interlock.adapters.postgres.schemas import PostgresSchemas
from interlock.adapters.postgres.state import PostgresState
from interlock.adapters.postgres.store import PostgresStore

__all__ = ["PostgresReader", "PostgresSchemas", "PostgresState", "PostgresStore"]
