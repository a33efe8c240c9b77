"""The stream of a log: made with its identity, and checked at each opening."""

from __future__ import annotations

import hashlib
import os
from typing import Any, NamedTuple

from interlock.adapters.jetstream.link import ApiRefusal, Link
from interlock.model.problems import FormatUnsupported, SettingInvalid, StorageUnavailable

ASK_SECONDS = 5.0
FORMAT = "1"
HASH = "blake2b-64 modulo"
CREATE_TRIES = 3
IN_USE = 10058
NO_STREAM = 10059
NO_JETSTREAM = frozenset({10039, 10076})
SECOND_NS = 1_000_000_000
_PREFIX = "interlock-"


class Wanted(NamedTuple):
    """What whoever opens the log expects of its stream."""

    stream: str
    partitions: int
    secret: bytes
    identity: str | None
    replicas: int
    dedupe_seconds: float


class Opened(NamedTuple):
    """What the stream says of itself."""

    identity: str
    replicas: int
    dedupe_seconds: float
    last: int
    largest_message: int  # -1: no limit of its own


async def open_stream(link: Link, wanted: Wanted) -> Opened:
    """Make the stream, if it is missing and no identity is expected; else check that it is the one.

    SettingInvalid for another's stream, other partitions or JetStream disabled; FormatUnsupported for another format;
    StorageUnavailable without quorum.
    """
    try:
        info = await link.request(f"STREAM.INFO.{wanted.stream}", seconds=ASK_SECONDS)
    except ApiRefusal as refused:
        if refused.code != NO_STREAM:
            raise _refused(link, refused) from refused
        info = await _create(link, wanted)
    except StorageUnavailable:
        if link.up.is_set() and not link.has_jetstream:
            raise _no_jetstream(link) from None
        raise
    _check(info["config"], wanted)
    info = await _adjust(link, info, wanted)
    await link.may_publish(f"{wanted.stream}.p.0.0.may")
    config = info["config"]
    return Opened(
        config["metadata"][_PREFIX + "identity"],
        config["num_replicas"],
        config["duplicate_window"] / SECOND_NS,
        info["state"]["last_seq"],
        config["max_msg_size"],
    )


async def _create(link: Link, wanted: Wanted) -> dict[str, Any]:
    if wanted.identity is not None:
        raise SettingInvalid(
            f"There is no stream {wanted.stream} at {link.place}, and the state belongs to the log {wanted.identity}.",
            next_step="Point jetstream.servers and .stream at that log, or restore the stream from its backup.",
        )
    identity = os.urandom(16).hex()
    for tries_left in reversed(range(CREATE_TRIES)):
        try:
            return await link.request(f"STREAM.CREATE.{wanted.stream}", _config(wanted, identity), seconds=ASK_SECONDS)
        except ApiRefusal as refused:
            if refused.code == IN_USE:  # made by another process, or by a try of ours whose answer was lost
                return await link.request(f"STREAM.INFO.{wanted.stream}", seconds=ASK_SECONDS)
            raise _refused(link, refused) from refused
        except StorageUnavailable:  # a cluster that has just started, perhaps
            if not tries_left:
                raise
    raise AssertionError("unreachable")


def _config(wanted: Wanted, identity: str) -> dict[str, Any]:
    stream, partitions = wanted.stream, wanted.partitions
    return {
        "name": stream,
        "description": "The log of an Interlock estate",
        "subjects": [f"{stream}.p.>", f"{stream}.in.*.>"],
        "subject_transform": {
            "src": f"{stream}.in.*.>",
            "dest": f"{stream}.p.{{{{partition({partitions},1)}}}}.in.{{{{wildcard(1)}}}}.>",
        },
        "storage": "file",
        "num_replicas": wanted.replicas,
        "retention": "limits",
        "discard": "new",  # a full stream refuses; it never drops what was accepted
        "duplicate_window": int(wanted.dedupe_seconds * SECOND_NS),
        "allow_direct": True,
        "allow_atomic": True,
        "deny_delete": True,
        "metadata": {
            _PREFIX + "format": FORMAT,
            _PREFIX + "partitions": str(partitions),
            _PREFIX + "hash": HASH,
            _PREFIX + "identity": identity,
            _PREFIX + "secret": _mark(wanted.secret, identity),
        },
    }


def _mark(secret: bytes, identity: str) -> str:
    """Tells another secret, and nothing of it."""
    return hashlib.blake2b(identity.encode(), key=secret[:64], digest_size=16).hexdigest()


def _check(config: dict[str, Any], wanted: Wanted) -> None:
    stream = wanted.stream
    told = {name.removeprefix(_PREFIX): text for name, text in (config.get("metadata") or {}).items()}
    if "identity" not in told:
        raise SettingInvalid(
            f"The stream {stream} is not a log of Interlock: its metadata do not say so.",
            next_step="Give the estate a jetstream.stream of its own.",
        )
    if told.get("format") != FORMAT or told.get("hash") != HASH:
        raise FormatUnsupported(
            f"The stream {stream} has the format {told.get('format')}; this release reads {FORMAT}."
        )
    if wanted.identity is not None and told["identity"] != wanted.identity:
        raise SettingInvalid(
            f"The stream {stream} is a log from another estate: it is {told['identity']}, the state belongs to "
            f"{wanted.identity}.",
            next_step="Give each estate its own jetstream.stream, or point it at the servers that have its log.",
        )
    if told.get("secret") != _mark(wanted.secret, told["identity"]):
        raise SettingInvalid(
            f"The stream {stream} is a log from another estate: it was made with another secret.",
            next_step="Give each estate its own jetstream.stream, or open the log with the state that belongs to it.",
        )
    if told.get("partitions") != str(wanted.partitions):
        raise SettingInvalid(
            f"The log was made with {told.get('partitions')} partitions, stores.partitions says {wanted.partitions}.",
            next_step=f"Set stores.partitions = {told.get('partitions')}: it is fixed with the log.",
        )
    _check_kept(config, wanted)


def _check_kept(config: dict[str, Any], wanted: Wanted) -> None:
    """Settings without which the promises would not hold; somebody may have edited the stream."""
    for name, needed in (("allow_direct", True), ("allow_atomic", True), ("discard", "new"), ("retention", "limits")):
        if config.get(name) != needed:
            raise SettingInvalid(
                f"The stream {wanted.stream} was edited: {name} is {config.get(name)}, the log needs {needed}.",
                next_step=f"Set it back with: nats stream edit {wanted.stream}",
            )
    if config["num_replicas"] < wanted.replicas:
        raise SettingInvalid(
            f"The stream {wanted.stream} has {config['num_replicas']} replicas, jetstream.replicas says "
            f"{wanted.replicas}.",
            next_step=f"Run: nats stream edit {wanted.stream} --replicas={wanted.replicas}, or lower the setting.",
        )


async def _adjust(link: Link, info: dict[str, Any], wanted: Wanted) -> dict[str, Any]:
    """The window follows its setting."""
    window = int(wanted.dedupe_seconds * SECOND_NS)
    if info["config"]["duplicate_window"] == window:
        return info
    try:
        return await link.request(
            f"STREAM.UPDATE.{wanted.stream}", {**info["config"], "duplicate_window": window}, seconds=10
        )
    except ApiRefusal as refused:
        raise _refused(link, refused) from refused


def _refused(link: Link, refused: ApiRefusal) -> Exception:
    if refused.code in NO_JETSTREAM:
        return _no_jetstream(link)
    if refused.code == 10074 or "replicas" in str(refused):
        return SettingInvalid(
            f"The servers at {link.place} cannot keep that many replicas: {refused}.",
            next_step="Lower jetstream.replicas, or run at least as many servers.",
        )
    if refused.code == 10065:
        return SettingInvalid(
            f"Another stream at {link.place} has those subjects: {refused}.",
            next_step="Give the estate a jetstream.stream of its own.",
        )
    if refused.code in (10003, 10052, 10056):
        return SettingInvalid(f"The servers at {link.place} refuse the stream: {refused}.")
    return link.away(f"cannot serve the stream now: {refused}")


def _no_jetstream(link: Link) -> SettingInvalid:
    return SettingInvalid(
        f"JetStream is not enabled at {link.place}, or not for this account.",
        next_step="Start nats-server with -js, or add a block jetstream to its configuration.",
    )
