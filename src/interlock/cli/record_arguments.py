"""Arguments of the commands that ask the record, and what they open."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from interlock.app.stores import SqlitePlace, StorePlace, place_of_store
from interlock.cli.estate_argument import add_estate
from interlock.estate.estate import Estate
from interlock.estate.loader import load
from interlock.flows.engine import types_of
from interlock.model.archive import moved
from interlock.model.problems import EstateInvalid
from interlock.ports.record_reader import KnowsItsPlace, RecordReader

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the record is. `estate` is None when only a store was named."""

    store: StorePlace
    estate: Estate | None

    async def reader(self) -> RecordReader:
        """Of a store that was carried elsewhere the record can still be read; people are told that it has ended."""
        reader = await self.store.reader()
        if isinstance(reader, KnowsItsPlace) and reader.moved_to is not None:
            problem = moved(reader.moved_to)
            print(f"{problem.detail} What follows is as it was then.\n   {problem.step}", file=sys.stderr)
        return reader

    async def refuse_moved(self) -> None:
        """Nothing can be ordered of a store that was carried elsewhere: no engine starts on it again."""
        reader = await self.store.reader()
        await reader.close()
        if isinstance(reader, KnowsItsPlace) and reader.moved_to is not None:
            raise moved(reader.moved_to)

    @property
    def controls(self) -> list[Path]:
        """The control sockets of the engines of this machine on the store, and of some that are gone."""
        return self.store.controls

    @property
    def flows(self) -> dict[str, Sequence[str]]:
        """The event types that each flow takes; empty without an estate."""
        return {name: types_of(flow) for name, flow in self.estate.flows.items()} if self.estate else {}


def add_place(parser: argparse.ArgumentParser) -> None:
    """As the last of the positional arguments."""
    add_estate(parser, default=None)
    parser.add_argument("--environment", default="local", help="environment of interlock.toml (default: local)")
    parser.add_argument("--store", type=Path, help="the file of a SQLite store, instead of the one in interlock.toml")
    parser.add_argument("--json", action="store_true", help="print JSON")


def place_of(arguments: argparse.Namespace, with_estate: bool = False) -> Place:
    """From the arguments. With `--store` alone no estate is loaded, unless the command cannot do without."""
    store: Path | None = arguments.store
    root: Path | None = arguments.estate
    if store is not None and root is None and not with_estate:
        return Place(SqlitePlace(store), None)
    try:
        estate = load(root or Path(), arguments.environment)
    except EstateInvalid as problem:  # the record outlives it, and who looks for a fault needs it now
        who = "meanwhile interlock why and interlock dlq" if with_estate else "or"
        problem.step = f"{problem.step.rstrip('.')}, {who} read the store directly with --store PATH."
        raise
    return Place(SqlitePlace(store) if store else place_of_store(estate), estate)


def asked(place: Place, question: Callable[[RecordReader], Awaitable[T]]) -> T:
    """The answer of the record, which is opened for it alone."""

    async def ask() -> T:
        reader = await place.reader()
        try:
            return await question(reader)
        finally:
            await reader.close()

    return asyncio.run(ask())


def print_json(data: Any) -> None:
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(data), indent=2).decode() + "\n")
