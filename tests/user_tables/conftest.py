from __future__ import annotations

from collections.abc import Iterator

import pytest

from interlock.testing.postgres_server import PostgresServer, running_server


@pytest.fixture(scope="session")
def logical_server() -> Iterator[PostgresServer]:
    """With wal_level = logical, which costs a restart: a server of its own."""
    with running_server(wal_level="logical", max_replication_slots="40", max_wal_senders="4") as server:
        yield server
