"""Subjects of a stream. Part of the storage format.

<stream>.p.<partition>.<bucket>.<type>   an event of ours; the bucket is a hash of its identity, to look it up by
<stream>.in.<key>.<type>                 where others publish; the server puts it under <stream>.p.<partition>.in.…
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote, unquote
from zlib import crc32

BUCKETS = 1024
FOREIGN = "in"
_PLAIN = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\Z")
_WORD = re.compile(r"[A-Za-z0-9_.~/:-]*\Z")


@lru_cache(4096)
def type_tokens(event_type: str) -> str:
    """The type, as it is where a subject can hold it; its dots part tokens, so that consumers can filter by prefix."""
    if _PLAIN.match(event_type):
        return event_type
    return quote(event_type, safe="").replace(".", "%2E").replace("~", "%7E")


def message_id(source: str, event_id: str) -> str:
    """`Nats-Msg-Id` of an identity. No two have the same: neither part can hold a bare `|`."""
    return f"{_word(source)}|{event_id if _WORD.match(event_id) else quote(event_id, safe='')}"


@lru_cache(4096)
def _word(text: str) -> str:
    return text if _WORD.match(text) else quote(text, safe="")


def bucket_of(identity: str) -> int:
    return crc32(identity.encode()) % BUCKETS


def subject_of(stream: str, partition: int, identity: str, event_type: str) -> str:
    return f"{stream}.p.{partition}.{bucket_of(identity)}.{type_tokens(event_type)}"


def partition_filter(stream: str, partition: int) -> str:
    return f"{stream}.p.{partition}.>"


def bucket_filter(stream: str, identity: str) -> str:
    """Where an event of that identity is, in whatever partition."""
    return f"{stream}.p.*.{bucket_of(identity)}.>"


def partition_in(subject: str) -> int:
    """The partition that a message was delivered to; -1 when the subject names none."""
    token = subject.split(".", 3)[2]
    return int(token) if token.isascii() and token.isdigit() and len(token) < 6 else -1


def is_foreign(subject: str) -> bool:
    """Whether it was published where others may; the server moved it, so nobody can hide that."""
    return subject.split(".", 4)[3] == FOREIGN


def place_in(subject: str) -> str:
    """Of a foreign message: what its publisher wrote behind `<stream>.in.`."""
    return subject.split(".", 4)[4]


def key_in(place: str, event_type: str) -> str | None:
    """The key in `<key>.<type>`; None where the publisher left it out, so that its first token is the type's.

    A key may have dots: the type, which the event says too, tells where it ends. What a token cannot hold stands there
    percent-encoded. Where the rest is not the type, the key is the first token: the server chose the partition by it.
    """
    tail = type_tokens(event_type)
    if not place or place in (tail, event_type):
        return None
    for end in (tail, event_type):
        if place.endswith("." + end):
            return unquote(place.removesuffix("." + end), errors="replace")
    return unquote(place.partition(".")[0], errors="replace")
