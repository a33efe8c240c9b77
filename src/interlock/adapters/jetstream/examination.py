"""Looks at NATS servers and the stream of a log, for `interlock doctor`: which promises they keep. Only reads.

What a client may ask says nothing of `sync_interval`; the monitoring port does, if one answers.
"""

from __future__ import annotations

import asyncio
import json
import logging
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from datetime import datetime
from ipaddress import ip_address
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import nats
from nats.aio.client import Client
from nats.errors import Error

from interlock.adapters.jetstream import checks
from interlock.adapters.jetstream.plain_words import in_words
from interlock.model.clock import Clock
from interlock.model.diagnosis import Finding, skew_finding

OLDEST_SERVER = (2, 12)
CONNECT_SECONDS = 2
ANSWER_SECONDS = 3.0
MONITOR_PORT = 8222
NO_STREAM = 10059
NO_MESSAGE = 10037
SECOND_NS = 1_000_000_000
NEARLY_FULL = 0.8
LAGGING_EVENTS = 10_000
_PREFIX = "interlock-"


class Wanted(NamedTuple):
    """What the settings say. `cursors` are the lowest of all flows by partition; `monitor` a URL, or empty."""

    stream: str
    partitions: int
    replicas: int
    dedupe_seconds: float
    cursors: Mapping[int, int]
    monitor: str = ""
    sync_always: bool = False


class _Refused(Exception):
    """JetStream's own error; `code` is its `err_code`."""

    def __init__(self, code: int, told: str) -> None:
        super().__init__(told)
        self.code = code


async def examine(servers: str, wanted: Wanted, clock: Clock) -> list[Finding]:
    """All that can be found without opening the log. Never raises for what is wrong with the servers."""
    addresses = [part.strip() for part in servers.split(",") if part.strip()]
    place = ", ".join(_shown(address) for address in addresses)
    logging.getLogger("nats").setLevel(logging.CRITICAL)
    try:
        client = await asyncio.wait_for(_dial(addresses), CONNECT_SECONDS * (len(addresses) + 1))
    except (Error, OSError, TimeoutError, ValueError) as error:
        return [checks.REACHED.unknown(f"The NATS server at {place} {in_words(error)}.")]
    found = [checks.REACHED.ok(f"A NATS server takes our connection at {place}.")]
    try:
        async for one in _findings(client, addresses, wanted, clock):
            found.append(one)
    except (Error, OSError, TimeoutError) as error:
        found[0] = checks.REACHED.unknown(f"The NATS server at {place} {in_words(error)}, after it had begun.")
    finally:
        with suppress(Error, OSError, TimeoutError):
            await asyncio.wait_for(client.close(), CONNECT_SECONDS)
    return found


async def _dial(addresses: list[str]) -> Client:
    async def quiet(_: Exception) -> None:
        return

    return await nats.connect(
        addresses, name="interlock-doctor", allow_reconnect=False, connect_timeout=CONNECT_SECONDS, error_cb=quiet
    )


def _shown(address: str) -> str:
    """Without user and password."""
    parts = urlsplit(address if "//" in address else f"nats://{address}")
    return f"{parts.hostname}:{parts.port or 4222}"


async def _ask(client: Client, subject: str, document: Any = None) -> dict[str, Any]:
    payload = b"" if document is None else json.dumps(document).encode()
    answer = await client.request(f"$JS.API.{subject}", payload, timeout=ANSWER_SECONDS)
    found: dict[str, Any] = json.loads(answer.data)
    if refused := found.get("error"):
        raise _Refused(refused.get("err_code", 0), refused.get("description", "no reason given"))
    return found


async def _findings(client: Client, addresses: list[str], wanted: Wanted, clock: Clock) -> AsyncIterator[Finding]:
    about = client._server_info
    yield version_finding(str(about.get("version", "0")))
    yield tls_finding(addresses, bool(about.get("tls_required")))
    try:
        yield enabled_finding(await _ask(client, "INFO"))
    except (_Refused, Error) as error:
        yield checks.ENABLED.broken(f"JetStream is not enabled for this account: {error}. The start is refused.")
        return
    before = clock.now_us()
    try:
        info = await _ask(client, f"STREAM.INFO.{wanted.stream}")
    except _Refused as refused:
        if refused.code != NO_STREAM:
            yield checks.QUORUM.broken(f"The stream cannot be looked at: {refused}. Nothing is accepted meanwhile.")
        else:
            yield checks.STREAM.ok(f"There is no stream {wanted.stream} yet; the first start makes it.")
        return
    except Error:
        yield checks.QUORUM.broken(
            f"Nobody answers for the stream {wanted.stream}: it has no leader, so most of its servers are away. "
            "Nothing is accepted, and nothing that was accepted is lost."
        )
        return
    if "ts" in info:
        yield skew_finding(checks.CLOCK, "NATS", _microseconds(info["ts"]), before, clock.now_us())
    config = info["config"]
    for one in stream_findings(config, wanted):
        yield one
    varz = await asyncio.to_thread(_varz, addresses, wanted.monitor)
    yield sync_finding(varz, int(config["num_replicas"]), wanted.sync_always)
    yield quorum_finding(info)
    unread = await _oldest_unread(client, wanted)
    age_us = None if unread is None else clock.now_us() - unread
    yield kept_finding(config, int(info["state"]["first_seq"]), min(wanted.cursors.values(), default=None), age_us)


def _microseconds(text: str) -> int:
    """Of a server's time, which has nanoseconds."""
    whole, _, rest = text.removesuffix("Z").partition(".")
    return round(datetime.fromisoformat(f"{whole}+00:00").timestamp()) * 1_000_000 + int((rest + "000000")[:6])


def version_finding(version: str) -> Finding:
    numbers = tuple(int(part) for part in version.split("-")[0].split(".")[:2])
    if numbers < OLDEST_SERVER:
        return checks.VERSION.broken(
            f"The server is {version}: batches that are all or nothing came with 2.12, so the start is refused."
        )
    return checks.VERSION.ok(f"nats-server {version}.")


def tls_finding(addresses: list[str], encrypted: bool) -> Finding:
    hosts = [urlsplit(one if "//" in one else f"nats://{one}").hostname or "" for one in addresses]
    if encrypted or all(one.startswith(("tls://", "wss://")) for one in addresses):
        return checks.TLS.ok("The connection is encrypted.")
    if all(_near(host) for host in hosts):
        return checks.TLS.ok("The connection does not leave the machine.")
    return checks.TLS.warn("The connection is not encrypted: payloads, and perhaps a password, can be read on the way.")


def _near(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def enabled_finding(account: dict[str, Any]) -> Finding:
    limits = account.get("limits") or {}
    for name in ("storage", "memory", "streams"):
        used, most = account.get(name, 0), limits.get(f"max_{name}", -1)
        if most > 0 and used >= NEARLY_FULL * most:
            return checks.ENABLED.warn(
                f"JetStream is enabled; {used:,} of {most:,} {name} are used. Beyond it callers get 503.",
                "Raise the account's limits.",
            )
    return checks.ENABLED.ok("JetStream is enabled for this account, and has room.")


def stream_findings(config: dict[str, Any], wanted: Wanted) -> list[Finding]:
    """Of what the stream is, before who serves it."""
    told = {name.removeprefix(_PREFIX): text for name, text in (config.get("metadata") or {}).items()}
    found = [checks.STREAM.ok(f"The stream {wanted.stream} is a log of Interlock.")]
    if "identity" not in told:
        found = [checks.STREAM.broken(f"The stream {wanted.stream} is another's: the start is refused.")]
    elif told.get("partitions") != str(wanted.partitions):
        found.append(
            checks.PARTITIONS.broken(
                f"The stream has {told.get('partitions')} partitions, the settings say {wanted.partitions}: the start "
                "is refused, because keys would go to other partitions than before.",
                f"Set stores.partitions = {told.get('partitions')}.",
            )
        )
    else:
        found.append(checks.PARTITIONS.ok(f"{wanted.partitions} partitions, as the settings say."))
    return [*found, _storage(config), _replicas(config, wanted), _window(config, wanted)]


def _storage(config: dict[str, Any]) -> Finding:
    if config.get("storage") != "file":
        return checks.STORAGE.broken(
            "The stream is kept in memory: what was accepted is gone when its server ends, and with several replicas "
            "when most of them do."
        )
    return checks.STORAGE.ok("The stream is kept in files.")


def _replicas(config: dict[str, Any], wanted: Wanted) -> Finding:
    count = int(config["num_replicas"])
    if count < wanted.replicas:
        return checks.REPLICAS.broken(
            f"The stream has {count} replicas, jetstream.replicas says {wanted.replicas}: the start is refused."
        )
    if count == 1:
        return checks.REPLICAS.ok(
            "One server keeps the stream: while it is away nothing is accepted, and the loss of its disk loses events."
        )
    return checks.REPLICAS.ok(f"{count} servers keep the stream: a 2xx leaves when most of them have the event.")


def _window(config: dict[str, Any], wanted: Wanted) -> Finding:
    seconds = config.get("duplicate_window", 0) / SECOND_NS
    if abs(seconds - wanted.dedupe_seconds) > 1:
        return checks.WINDOW.warn(
            f"The servers recognise a resend for {seconds:,.0f} seconds, jetstream.dedupe_seconds says "
            f"{wanted.dedupe_seconds:,.0f}."
        )
    return checks.WINDOW.ok(
        f"The servers recognise a resend for {seconds:,.0f} seconds; a relay that was away for longer looks in the log."
    )


def sync_finding(varz: dict[str, Any] | None, replicas: int, claimed: bool = False) -> Finding:
    """`varz` is the monitoring page; None when no port of that kind answers. `claimed`: jetstream.sync_always."""
    alone = "One server keeps the stream, so a power cut of its machine loses what was accepted since the last flush."
    together = "Most of its servers' machines would have to lose power within that time for events to be lost."
    if varz is None:
        told = alone if replicas == 1 else together
        told += " jetstream.sync_always says that it is always: that is your word, and nobody has checked it." * claimed
        return checks.SYNC.unknown(
            "A client cannot ask when the servers flush, and no monitoring port answers. Unless sync_interval is "
            f"always, an event is acknowledged before it is on disk; the default is two minutes. {told}",
            "Give doctor the port with --nats-monitor http://HOST:8222, or look into the servers' configuration.",
        )
    config = (varz.get("jetstream") or {}).get("config") or {}
    if config.get("sync_always"):
        return checks.SYNC.ok("sync_interval is always: a 2xx leaves after the event is on the disk of its server.")
    seconds = config.get("sync_interval", 120 * SECOND_NS) / SECOND_NS
    told = f"sync_interval is {seconds:,.0f} seconds: an event is acknowledged before it is on disk"
    if claimed:
        return checks.SYNC.broken(f"jetstream.sync_always says that it is always, and {told}.")
    if replicas == 1:
        return checks.SYNC.broken(f"{told}. {alone} The end of the process alone loses nothing.")
    return checks.SYNC.ok(f"{told}, by most of {replicas} servers. {together}")


def quorum_finding(info: dict[str, Any]) -> Finding:
    cluster, count = info.get("cluster") or {}, int(info["config"]["num_replicas"])
    if count == 1:
        return checks.QUORUM.ok(f"The stream's one server answers{_named(cluster)}.")
    peers = cluster.get("replicas") or []
    away = [peer["name"] for peer in peers if peer.get("offline")]
    behind = [peer["name"] for peer in peers if not peer.get("offline") and not _current(peer)]
    if away or len(peers) < count - 1:
        left = (count - 1) // 2 - len(away)
        more = f"{left} more may go" if left > 0 else "if one more goes, nothing is accepted"
        told = ", ".join(away) or "some"
        return checks.QUORUM.warn(f"Of the stream's {count} servers these are away: {told}; {more}.")
    if behind:
        return checks.QUORUM.warn(f"These servers of the stream lag: {', '.join(behind)}.")
    return checks.QUORUM.ok(f"All {count} servers of the stream are there and current{_named(cluster)}.")


def _current(peer: dict[str, Any]) -> bool:
    return bool(peer.get("current")) and int(peer.get("lag", 0)) < LAGGING_EVENTS


def _named(cluster: dict[str, Any]) -> str:
    return f"; {cluster['leader']} leads" if cluster.get("leader") else ""


def kept_finding(config: dict[str, Any], first: int, slowest: int | None, oldest_unread_us: int | None) -> Finding:
    """`first` is the stream's first position, `slowest` the lowest cursor, and `oldest_unread_us` the age of what the
    slowest has to read next, as far as it is still there."""
    if config.get("retention", "limits") != "limits":
        return checks.KEPT.broken(
            f"The stream's retention is {config['retention']}: events go when somebody acknowledges them, read or not."
        )
    max_age_us = config.get("max_age", 0) // 1000
    if max_age_us:
        return _expiring(max_age_us, first, slowest, oldest_unread_us)
    limits = [name for name in ("max_msgs", "max_bytes", "max_msgs_per_subject") if config.get(name, -1) > 0]
    if config.get("discard", "old") == "old":
        return checks.KEPT.broken(
            "The stream's discard policy is old: when it is full it drops its oldest events, whether they were read or "
            f"not. Its limits: {', '.join(limits) or 'none yet'}. The start is refused."
        )
    if limits:
        return checks.KEPT.ok(f"A full stream refuses ({', '.join(limits)}): callers get 503, and nothing is dropped.")
    return checks.KEPT.ok("The stream drops nothing by itself. It grows with every event: watch the servers' disk.")


def _expiring(max_age_us: int, first: int, slowest: int | None, oldest_unread_us: int | None) -> Finding:
    told = f"The stream forgets events after {max_age_us / 1_000_000:,.0f} seconds (max_age), read or not"
    if slowest is not None and first > slowest + 1:
        return checks.KEPT.broken(
            f"{told}. It begins at {first:,}, the slowest flow has read up to {slowest:,}: what lay between is gone."
        )
    if oldest_unread_us is not None and oldest_unread_us * 2 > max_age_us:
        return checks.KEPT.broken(
            f"{told}, and a flow is {oldest_unread_us / 1_000_000:,.0f} seconds behind: unread events are about to go."
        )
    return checks.KEPT.warn(f"{told}. No flow is far behind now; one that stops for that long loses events.")


async def _oldest_unread(client: Client, wanted: Wanted) -> int | None:
    """When the oldest event was stored that some flow has to read still, in microseconds; None when all are read."""
    times = []
    for partition, cursor in wanted.cursors.items():
        question = {"seq": cursor + 1, "next_by_subj": f"{wanted.stream}.p.{partition}.>"}
        try:
            found = await _ask(client, f"STREAM.MSG.GET.{wanted.stream}", question)
        except _Refused as refused:
            if refused.code != NO_MESSAGE:
                raise Error(str(refused)) from refused
            continue
        times.append(_microseconds(found["message"]["time"]))
    return min(times, default=None)


def _varz(addresses: list[str], monitor: str) -> dict[str, Any] | None:
    """Of the first port that answers as a NATS monitoring port does."""
    hosts = [urlsplit(one if "//" in one else f"nats://{one}").hostname for one in addresses]
    for base in [monitor] if monitor else [f"http://{host}:{MONITOR_PORT}" for host in hosts]:
        if not base.startswith(("http://", "https://")):
            continue
        try:
            with urllib.request.urlopen(f"{base.rstrip('/')}/varz", timeout=CONNECT_SECONDS) as answer:  # noqa: S310
                found = json.load(answer)
        except (OSError, ValueError):
            continue
        if isinstance(found, dict) and "server_id" in found:
            return found
    return None
