"""Hashes that are part of the storage format. Changing one is a format change."""

from __future__ import annotations

import hashlib

DIGEST_BYTES = 8


class KeyHasher:
    """Keyed 64-bit hashes of business and partition keys (BLAKE2b, RFC 7693, keyed mode).

    The record holds these, never the keys themselves: without the log's secret a key cannot be looked up.
    """

    __slots__ = ("_seeded",)

    def __init__(self, secret: bytes) -> None:
        self._seeded = hashlib.blake2b(digest_size=DIGEST_BYTES, key=secret)

    def digest(self, key: str) -> bytes:
        """Eight bytes, big-endian."""
        state = self._seeded.copy()
        state.update(key.encode())
        return state.digest()

    def number(self, key: str) -> int:
        """The digest as a signed 64-bit integer, as SQL stores have it."""
        return int.from_bytes(self.digest(key), "big", signed=True)


def partition_of(key_hash: int, partitions: int) -> int:
    """The partition of a key hash (signed 64 bits): modulo, fixed with the count in the log's metadata."""
    return key_hash % partitions


def idempotency_key(event: str, flow: str, step: str, nonce: str = "") -> str:
    """The stable key of an outside effect: the same event, flow and step give the same key in every generation.

    `event` is its whole identity, source and id joined by U+001F: an id alone is unique within its source only.
    `nonce` is empty but for replays in `repeat` mode, whose effects are meant to happen again.
    """
    text = "\x1f".join((event, flow, step, nonce))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def fingerprint(body: bytes) -> bytes:
    """Sixteen bytes that stand for a request body in idempotency claims."""
    return hashlib.blake2b(body, digest_size=16).digest()
