"""What the plugin `pgoutput` hands over, as far as messages need it.

PostgreSQL documentation, 'Logical Replication Message Formats': Begin 'B', Commit 'C', Message 'M'; integers are
big-endian, positions 64 bits. Everything else is passed over: the publication names no table.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_MESSAGE = struct.Struct(">xBQ")  # 'M', flags, LSN; then prefix, 0, length, content
_LENGTH = struct.Struct(">I")
_COMMIT = struct.Struct(">xBQQq")  # 'C', flags, LSN of the commit, end of the transaction, microseconds since 2000
TRANSACTIONAL = 1


class Message(NamedTuple):
    """One transactional message. `place` is its own position, `end` that of its transaction's end.

    `committed_us` counts from 2000-01-01, on the server's clock.
    """

    place: int
    end: int
    committed_us: int
    content: bytes


def messages(changes: Iterable[bytes], prefix: str) -> Iterator[Message]:
    """Messages with that prefix, in the order of commits; those outside of a transaction were promised by nobody."""
    wanted = prefix.encode()
    held: list[tuple[int, bytes]] = []
    for change in changes:
        kind = change[:1]
        if kind == b"M":
            flags, place = _MESSAGE.unpack_from(change)
            named, _, rest = change[_MESSAGE.size :].partition(b"\0")
            (length,) = _LENGTH.unpack_from(rest)
            if flags & TRANSACTIONAL and named == wanted:
                held.append((place, rest[_LENGTH.size : _LENGTH.size + length]))
        elif kind == b"C":
            _, _, end, committed_us = _COMMIT.unpack_from(change)
            for place, content in held:
                yield Message(place, end, committed_us, content)
            held.clear()
