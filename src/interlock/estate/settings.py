"""Every setting of `interlock.toml`, as data: type, bounds, default and meaning stand together.

`docs/reference/settings.md` is made from this module; a setting without a description fails a test.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from interlock.contracts.comparison import Mode

PATH = r"^[^\x00]+\Z"
DAY, YEAR = 86_400, 31_536_000  # in seconds: bounds of times, so that none is infinite
REFERENCE = r"^env:[A-Za-z_][A-Za-z0-9_]*\Z"  # to an environment variable: addresses may hold passwords


class EstateSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    name: Annotated[
        str, Meta(pattern=r"^[a-z][a-z0-9-]{0,62}\Z", description="Name of the estate. Default: the folder's name.")
    ] = ""


class ServerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    host: Annotated[
        str, Meta(pattern=r"^[^\s/\x00-\x1f]+\Z", description="Address to listen on: a name or an IP address.")
    ] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port to listen on; 0 takes a free one.")] = 8700


class StoreSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    kind: Annotated[
        Literal["sqlite", "postgres", "memory"],
        Meta(
            description="Where log and state live: in one file, in one schema of a PostgreSQL database, or nowhere. "
            "`memory` forgets everything when it stops: for tests."
        ),
    ] = "sqlite"
    dsn: Annotated[
        str,
        Meta(
            pattern=REFERENCE,
            description="With `postgres`: the environment variable that holds the connection string, as `env:NAME`.",
        ),
    ] = "env:INTERLOCK_POSTGRES"
    schema: Annotated[
        str,
        Meta(
            pattern=r"^[a-z][a-z0-9_]{0,47}\Z",
            description="With `postgres`: the schema of the tables. Each estate needs its own.",
        ),
    ] = "interlock"
    path: Annotated[
        str,
        Meta(pattern=PATH, description="The store's file, relative to the estate. `{name}` is the estate's name."),
    ] = ".interlock/{name}.db"
    log: Annotated[
        Literal["state", "jetstream", "kafka"],
        Meta(
            description="Where events live: with the state, in one commit; or in NATS JetStream, or in a broker that "
            'speaks the Kafka protocol, fed from an outbox. Those two need `kind = "postgres"`.'
        ),
    ] = "state"
    partitions: Annotated[
        int,
        Meta(ge=1, le=4096, description="Partitions of the log. Fixed when the store is made; checked at each start."),
    ] = 8


class LimitSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    body_bytes: Annotated[int, Meta(ge=1, description="Largest request body; beyond it 413.")] = 1_048_576
    json_depth: Annotated[
        int, Meta(ge=1, le=200, description="How deep arrays and objects of a request may nest; beyond it 400.")
    ] = 64
    batch_events: Annotated[int, Meta(ge=1, description="Most events in one CloudEvents batch; beyond it 413.")] = 1000
    headers: Annotated[int, Meta(ge=1, description="Most header fields of a request; beyond it 431.")] = 64
    header_bytes: Annotated[int, Meta(ge=1, description="Largest header section in all; beyond it 431.")] = 16_384
    concurrent_requests: Annotated[
        int, Meta(ge=1, description="Requests served at once; beyond it 429 with Retry-After.")
    ] = 4096
    pending_appends: Annotated[
        int, Meta(ge=1, description="Events waiting for their commit; beyond it 429 with Retry-After.")
    ] = 65_536
    max_lag_events: Annotated[
        int, Meta(ge=1, description="Accepted events that no flow has handled yet; beyond it 429 with Retry-After.")
    ] = 1_000_000
    min_free_disk_bytes: Annotated[
        int, Meta(ge=0, description="Free disk space below which nothing more is accepted: 503.")
    ] = 268_435_456
    request_seconds: Annotated[
        float, Meta(gt=0, le=DAY, description="Time for a whole request to arrive; then 408.")
    ] = 30.0
    dedupe_bucket_seconds: Annotated[
        float,
        Meta(
            gt=0,
            le=YEAR,
            description="Length of one dedupe bucket of (source, id). Two are live, so a resend is known for at least "
            "this long, at most twice as long.",
        ),
    ] = 43_200.0
    answer_hours: Annotated[
        float, Meta(gt=0, le=87_600, description="How long the answer to an Idempotency-Key is kept, in hours.")
    ] = 24.0
    handler_seconds: Annotated[
        float, Meta(gt=0, le=YEAR, description="Time for one run of a handler; then the attempt has failed.")
    ] = 30.0
    in_flight_per_flow: Annotated[int, Meta(ge=1, description="Handlers that one flow runs at once.")] = 1024
    delivery_concurrency: Annotated[
        int, Meta(ge=1, description="Outside calls in flight, over all systems; three quarters for one.")
    ] = 64


class TraceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    sample_ratio: Annotated[
        float, Meta(ge=0, le=1, description="Share of the traces that begin here which are sampled.")
    ] = 0.01
    file: Annotated[
        str,
        Meta(
            pattern=r"^[^\x00]*\Z",
            description="Where the spans of sampled traces go, as OTLP/JSON lines, relative to the estate; empty: "
            "nowhere. For a collector's `otlpjsonfile` receiver; rotate it from outside.",
        ),
    ] = ""
    file_bytes: Annotated[
        int, Meta(ge=1, description="Size of that file beyond which spans are dropped and counted.")
    ] = 1_073_741_824


class ContractSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    compatibility: Annotated[
        Mode,
        Meta(
            description="What a new version of a contract must be compatible with, unless its own "
            "`x-interlock.compatibility` says otherwise. `NONE` needs a waiver."
        ),
    ] = "BACKWARD"
    sunset_notice_days: Annotated[
        int, Meta(ge=0, description="Least days between the deprecation of a major version and its sunset.")
    ] = 90


class RegistrySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    path: Annotated[
        str,
        Meta(
            pattern=r"^(/[a-z0-9_-]+)+\Z",
            description="Where the server has the schema registry: clients take its address with this path.",
        ),
    ] = "/registry"
    port: Annotated[
        int,
        Meta(
            ge=0,
            le=65535,
            description="A port of its own where the registry answers at the root, for clients that take no path; "
            "0: none.",
        ),
    ] = 0


class JetStreamSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    servers: Annotated[
        str,
        Meta(
            pattern=REFERENCE,
            description="The environment variable that holds the servers' addresses, separated by commas, as "
            "`env:NAME`.",
        ),
    ] = "env:INTERLOCK_NATS"
    stream: Annotated[
        str,
        Meta(
            pattern=r"^[a-z][a-z0-9_-]{0,47}\Z",
            description="Name of the stream; its subjects begin with it. Each estate needs its own.",
        ),
    ] = "interlock"
    replicas: Annotated[int, Meta(ge=1, le=5, description="Servers that keep each event. 3 outlives one of them.")] = 1
    dedupe_seconds: Annotated[
        float,
        Meta(
            ge=0.1, le=DAY, description="How long the servers recognise a resend by themselves; it costs their memory."
        ),
    ] = 120.0
    sync_always: Annotated[
        bool,
        Meta(
            description="Your word that the servers run with `sync_interval: always`, which clients cannot ask: then "
            "one replica counts as `fsynced`. `interlock doctor` checks it where a monitoring port answers."
        ),
    ] = False


class KafkaSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    brokers: Annotated[
        str,
        Meta(
            pattern=REFERENCE,
            description="The environment variable that holds `host:port` of some brokers, separated by commas, as "
            "`env:NAME`.",
        ),
    ] = "env:INTERLOCK_KAFKA"
    topic: Annotated[
        str,
        Meta(pattern=r"^[a-z][a-z0-9._-]{0,199}\Z", description="Name of the topic. Each estate needs its own."),
    ] = "interlock"
    replicas: Annotated[int, Meta(ge=1, le=7, description="Replicas of a topic that is made here.")] = 1


class WorkerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    lease_seconds: Annotated[
        float,
        Meta(
            ge=1,
            le=600,
            description="On PostgreSQL: how long a process may be silent before its partitions are given to others. "
            "The same for all processes on one store.",
        ),
    ] = 10.0
    drain_seconds: Annotated[
        float, Meta(gt=0, le=600, description="Time that a stopping process gives to what runs in it.")
    ] = 20.0
    stuck_seconds: Annotated[
        float,
        Meta(
            gt=0,
            le=YEAR,
            description="Age of the oldest event of a partition that is neither handled nor dead-lettered, beyond "
            "which the log names the partition.",
        ),
    ] = 300.0


class SystemOverride(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    base_url: Annotated[
        str,
        Meta(
            pattern=r"^https?://[^\s/?#]+[^\s?#]*\Z",
            description="Where this system is in this environment; replaces base_url of its file.",
        ),
    ]


class Environment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    systems: Mapping[str, SystemOverride] = msgspec.field(default_factory=dict)


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All groups, checked. Defaults are those of a laptop."""

    estate: EstateSettings = EstateSettings()
    server: ServerSettings = ServerSettings()
    stores: StoreSettings = StoreSettings()
    limits: LimitSettings = LimitSettings()
    trace: TraceSettings = TraceSettings()
    contracts: ContractSettings = ContractSettings()
    registry: RegistrySettings = RegistrySettings()
    jetstream: JetStreamSettings = JetStreamSettings()
    kafka: KafkaSettings = KafkaSettings()
    workers: WorkerSettings = WorkerSettings()
    environments: Mapping[str, Environment] = msgspec.field(default_factory=dict)

    @property
    def hash(self) -> str:
        """SHA-256 of all values, defaults included, as hexadecimal text: what each start of the engine records."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()
