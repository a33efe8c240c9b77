"""Logs that lie outside the database of the state: opened as the one that this state belongs to.

Their clients are extras, imported by those who use them.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from interlock.app.references import value_of
from interlock.estate.estate import Estate
from interlock.model.problems import SettingInvalid
from interlock.ports.event_log import EventLog


class LogOwner(Protocol):
    """The state that a log belongs to: it keeps what must be known of the log to open it."""

    partitions: int
    secret: bytes
    identity: str  # empty until a log was opened for it

    async def keep_identity(self, identity: str) -> None: ...


@contextmanager
def extra(setting: str, name: str) -> Iterator[None]:
    """Around the import of an adapter that is the extra `name`. SettingInvalid when it is not installed."""
    try:
        yield
    except ImportError as error:
        raise SettingInvalid(
            f"{setting}, and its driver is not installed: {error}.",
            next_step=f"Install it: pip install 'interlock[{name}]'",
        ) from error


async def open_outside(estate: Estate, state: LogOwner, environ: Mapping[str, str] = os.environ) -> EventLog:
    """The log that stores.log names. SettingInvalid when it is not the one that the state belongs to."""
    if estate.settings.stores.log == "jetstream":
        return await open_jetstream(estate, state, environ)
    return await open_kafka(estate, state, environ)


async def open_jetstream(estate: Estate, state: LogOwner, environ: Mapping[str, str]) -> EventLog:
    """The stream says at its making which log it is; the state remembers that."""
    with extra('stores.log is "jetstream"', "jetstream"):
        from interlock.adapters.jetstream import JetStreamLog
    settings = estate.settings.jetstream
    log = await JetStreamLog.open(
        value_of("jetstream.servers", settings.servers, "nats://host:4222", environ),
        stream=settings.stream,
        partitions=state.partitions,
        secret=state.secret,
        identity=state.identity or None,
        limit_pending=estate.settings.limits.pending_appends,
        replicas=settings.replicas,
        dedupe_seconds=settings.dedupe_seconds,
        synced=settings.sync_always,
    )
    try:
        await state.keep_identity(log.identity)
    except BaseException:
        await log.close()
        raise
    return log


async def open_kafka(estate: Estate, state: LogOwner, environ: Mapping[str, str]) -> EventLog:
    """The state says which log it wants, and a topic that is new becomes that one."""
    with extra('stores.log is "kafka"', "kafka"):
        from interlock.adapters.kafka import KafkaLog
    settings = estate.settings.kafka
    if not state.identity:
        await state.keep_identity(secrets.token_hex(16))
    return await KafkaLog.open(
        value_of("kafka.brokers", settings.brokers, "host:9092", environ),
        topic=settings.topic,
        partitions=state.partitions,
        secret=state.secret,
        identity=state.identity,
        limit_pending=estate.settings.limits.pending_appends,
        replicas=settings.replicas,
    )
