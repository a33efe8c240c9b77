"""`interlock status`: the books of each flow, and whether they balance."""

from __future__ import annotations

import argparse
import asyncio
import sys

from interlock.app.sources import SourceState, source_states
from interlock.cli.record_arguments import Place, add_place, place_of, print_json
from interlock.cli.source_text import source_text
from interlock.operate.books import Books, read_books
from interlock.operate.books_text import render


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "Exits with 1 when a sum does not balance."
    add_place(parser)


def run(arguments: argparse.Namespace) -> int:
    place = place_of(arguments, with_estate=True)
    books, sources = asyncio.run(_gathered(place))
    if arguments.json:
        print_json({**books.as_data(), "sources": [state.as_data() for state in sources]})
    else:
        sys.stdout.write(render(books))
        sys.stdout.write("".join(f"source {source_text(state)}" for state in sources))
    return 0 if books.balanced else 1


async def _gathered(place: Place) -> tuple[Books, list[SourceState]]:
    books = await _books(place)
    return books, await source_states(place.estate, 0) if place.estate else []


async def _books(place: Place) -> Books:
    reader = await place.reader()
    try:
        return await read_books(reader, place.flows)
    finally:
        await reader.close()
