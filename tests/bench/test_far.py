"""The proxy that puts a server further away: bytes in order, later by what it says, and no more than that."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from bench.far import Wire

ADDED_MS = 20


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


@pytest.mark.parametrize("socket", [True, False])
def test_each_round_trip_is_longer_by_what_it_says(socket: bool, tmp_path: Path) -> None:
    async def measured() -> tuple[float, bytes]:
        if socket:
            server = await asyncio.start_unix_server(echo, str(tmp_path / "echo"))
            place = str(tmp_path / "echo")
        else:
            server = await asyncio.start_server(echo, "127.0.0.1", 0)
            place = str(server.sockets[0].getsockname()[1])
        with Wire(ADDED_MS, place, tmp_path / "log") as wire:
            reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
            begun = time.monotonic()
            for number in range(3):
                writer.write(b"%d" % number)
                assert await reader.readexactly(1) == b"%d" % number
            spent = (time.monotonic() - begun) / 3
            writer.write(b"x" * 3_000_000 + b"end")
            heard = await reader.readexactly(3_000_003)
            writer.close()
        server.close()
        return spent, heard

    spent, heard = asyncio.run(measured())
    assert spent >= ADDED_MS / 1000
    assert heard.endswith(b"xend")


def test_a_server_that_is_away_ends_the_connection(tmp_path: Path) -> None:
    with Wire(0, str(tmp_path / "nobody"), tmp_path / "log") as wire:

        async def heard() -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
            found = await reader.read()
            writer.close()
            return found

        assert asyncio.run(heard()) == b""
