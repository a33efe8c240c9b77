"""Headers are read fast where they look as we write them, and to the same end where they do not."""

from __future__ import annotations

import random
from urllib.parse import unquote_to_bytes

import pytest

from interlock.adapters.jetstream.link import QuickClient
from interlock.adapters.jetstream.wire import escape, unescape

ODD = {"A": "1", "B": "2", "C": "3: x", "D": ""}


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b"A: 1\r\nB: 2\r\nC: 3: x\r\n\r\n", {"A": "1", "B": "2", "C": "3: x"}),
        (b"A: 1\r\nB:2\r\nC :  3: x \r\nD:\r\n\r\n", ODD),
        (b"A:\t1\r\nB: 2 \r\nC: 3: x\r\nD: \r\n\r\n", ODD),
        (b"A: 1\r\nno header\r\nB:2\r\n\r\n", {"A": "1", "B": "2"}),
        (b"A: \xc3\xa4\xff\r\n\r\n", {"A": "\u00e4\ufffd"}),
    ],
)
def test_parsing(raw: bytes, found: dict[str, str]) -> None:
    assert QuickClient._parse_header_lines(raw) == found


def test_escapes_are_undone_as_everywhere() -> None:
    chance = random.Random(4)
    for _ in range(2000):
        text = "".join(chance.choices('%2"25 aä{:', k=chance.randrange(12)))
        assert unescape(escape(text)) == text
        raw = "".join(chance.choices("%225af", k=chance.randrange(12)))
        with_quotes = unquote_to_bytes(raw)
        if with_quotes.isascii():
            assert unescape(raw) == with_quotes.decode()
