"""`interlock status`: the books of each flow, and whether they balance."""

from __future__ import annotations

import argparse
import asyncio
import sys

from interlock.cli.record_arguments import Place, add_place, place_of, print_json
from interlock.operate.books import Books, read_books
from interlock.operate.books_text import render


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "Exits with 1 when a sum does not balance."
    add_place(parser)


def run(arguments: argparse.Namespace) -> int:
    books = asyncio.run(_books(place_of(arguments, with_estate=True)))
    if arguments.json:
        print_json(books.as_data())
    else:
        sys.stdout.write(render(books))
    return 0 if books.balanced else 1


async def _books(place: Place) -> Books:
    reader = await place.reader()
    try:
        return await read_books(reader, place.flows)
    finally:
        await reader.close()
