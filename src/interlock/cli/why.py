"""`interlock why`: the story of an event, a business key or a delivery."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys

from interlock.app.local_time import today
from interlock.cli.record_arguments import Place, add_place, place_of, print_json
from interlock.operate.story import Story
from interlock.operate.story_text import render
from interlock.operate.why import tell


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("term", help="an event id, a business key (an order number), or a delivery id")
    add_place(parser)


def run(arguments: argparse.Namespace) -> int:
    story = asyncio.run(_story(place_of(arguments), arguments.term))
    if arguments.json:
        print_json(story.as_data())
    else:
        colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        sys.stdout.write(render(story, today=today(), colour=colour))
    return 0


async def _story(place: Place, term: str) -> Story:
    reader = await place.reader()
    try:
        return await tell(reader, term, place.flows)
    finally:
        await reader.close()
