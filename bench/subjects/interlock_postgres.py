"""Our system under test with its log and its state in PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg

from bench import machine
from bench.subjects.database import Database
from bench.subjects.interlock import DONE, FLOW, Interlock
from bench.subjects.nats import Nats

MOUNT = '\n[stores]\nkind = "postgres"\n'
VARIABLE = "INTERLOCK_POSTGRES"  # what stores.dsn refers to when nothing is set
TALLY = (
    "SELECT coalesce(sum(t.total), 0)::bigint FROM tally AS t JOIN name AS n ON n.id = t.flow "
    "WHERE n.text = %s AND t.state = %s"
)


class InterlockOnPostgres(Interlock):
    """A fresh database of the server for each."""

    name = "Interlock on PostgreSQL"

    def __init__(
        self,
        place: Path,
        database: Database,
        *,
        flows: bool = True,
        more: str = "",
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.database = database
        self._url = database.fresh()
        self._rows: psycopg.Connection[Any] | None = None
        super().__init__(place, flows=flows, rows_only=True, more=more, env={VARIABLE: self._url, **(env or {})})

    def mount(self) -> str:
        return MOUNT

    @property
    def where(self) -> str:
        return self._url

    def connect(self) -> None:
        self._rows = psycopg.connect(self._url, autocommit=True, options="-c search_path=interlock")

    def disconnect(self) -> None:
        if self._rows is not None:
            self._rows.close()
            self._rows = None

    def done(self) -> int:
        return int(self._one(TALLY, FLOW, DONE))

    def first_ns(self) -> int:
        return int(self._one("SELECT min(at_us) FROM handling")) * 1000

    def servers_seconds(self) -> float:
        return self.database.cpu_seconds()

    def _one(self, statement: str, *bindings: Any) -> Any:
        assert self._rows is not None
        found = self._rows.execute(statement.encode(), bindings).fetchone()
        return found[0] if found else 0


class Workers(InterlockOnPostgres):
    """`interlock up --workers N`: a supervisor, an edge and N workers, on all cores together with the server."""

    core = ",".join(str(core) for core in sorted(machine.cores()))

    def __init__(self, place: Path, database: Database, workers: int, *, more: str = "") -> None:
        self.workers = workers
        self.flags = ["--workers", str(workers)]
        super().__init__(place, database, more=more)

    def owners(self) -> int:
        """How many have partitions now."""
        return int(self._one("SELECT count(DISTINCT epoch) FROM lease WHERE epoch <> 0"))

    @property
    def pids(self) -> list[int]:
        """The supervisor and what it started."""
        return [pid for parent in super().pids for pid in (parent, *machine.children(parent))]

    def kill(self) -> None:
        """An orderly end: killed alone, the supervisor would leave its workers behind."""
        self.stop()


class InterlockOnJetStream(InterlockOnPostgres):
    """State on PostgreSQL, the log in a stream of a NATS server of its own, which listens from the beginning on."""

    name = "Interlock on PostgreSQL + JetStream"
    checks = ("--apart",)

    def __init__(
        self,
        place: Path,
        database: Database,
        *,
        sync_always: bool,
        server_core: str,
        added_ms: int = 0,
        more: str = "",
        env: Mapping[str, str] | None = None,
    ) -> None:
        broker = place.with_name(f"{place.name}-nats")
        shutil.rmtree(broker, ignore_errors=True)
        broker.mkdir(parents=True)
        self._nats = Nats(broker, sync_always=sync_always, core=server_core, added_ms=added_ms)
        self._broker = broker
        super().__init__(place, database, more=more, env={"INTERLOCK_NATS": self._nats.url, **(env or {})})

    def mount(self) -> str:
        return f'{MOUNT}log = "jetstream"\n'

    @property
    def filled(self) -> str:
        return str(self.place / "estate")

    def servers_seconds(self) -> float:
        return super().servers_seconds() + machine.cpu_seconds([self._nats.pid])

    def remove(self) -> None:
        """Also the broker: after it nothing can be asked of the log."""
        self._nats.stop()
        shutil.rmtree(self._broker, ignore_errors=True)
        super().remove()
