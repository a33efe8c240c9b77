"""An outbox in a user's own database, as `sources/<name>.toml` declares it."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from interlock.estate.settings import REFERENCE

TABLE = r"^[a-z_][a-z0-9_]{0,47}(\.[a-z_][a-z0-9_]{0,47})?\Z"


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """`uri` is the CloudEvents `source` of rows that name none."""

    name: str
    owner: str
    dialect: Literal["postgres", "sqlite", "mysql"]
    dsn: str
    table: str
    uri: str
    mode: Literal["polling", "logical"]
    slot: str
    batch: int
    poll_seconds: float


class SourceFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole file."""

    owner: Annotated[str, Meta(description="Who answers for it: a table of owners.toml.")]
    dialect: Annotated[
        Literal["postgres", "sqlite", "mysql"], Meta(description="The database; `mysql` is MariaDB too.")
    ]
    dsn: Annotated[
        str,
        Meta(
            pattern=REFERENCE,
            description="The environment variable that holds the connection string, as `env:NAME`. With `sqlite`: the "
            "path of the file, relative to the estate.",
        ),
    ]
    table: Annotated[str, Meta(pattern=TABLE, description="The table, perhaps with its schema.")] = "interlock_outbox"
    source: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=1024,
            pattern=r"^\S*\Z",
            description="CloudEvents `source` of rows that name none. Default: `/sources/<name>`.",
        ),
    ] = ""
    mode: Annotated[
        Literal["polling", "logical"],
        Meta(description="`logical`: messages in PostgreSQL's log, through a replication slot."),
    ] = "polling"
    slot: Annotated[
        str,
        Meta(
            pattern=r"^[a-z_][a-z0-9_]{0,47}\Z",
            description="With `logical`: the replication slot and the publication of the same name.",
        ),
    ] = "interlock_outbox"
    batch: Annotated[int, Meta(ge=1, le=10_000, description="Most rows in one read.")] = 500
    poll_seconds: Annotated[float, Meta(ge=0.01, le=3600, description="Time between two looks at an empty table.")] = (
        0.5
    )

    def made(self, name: str) -> Source:
        return Source(
            name=name,
            owner=self.owner,
            dialect=self.dialect,
            dsn=self.dsn,
            table=self.table,
            uri=self.source or f"/sources/{name}",
            mode=self.mode,
            slot=self.slot,
            batch=self.batch,
            poll_seconds=self.poll_seconds,
        )
