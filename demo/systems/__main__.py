"""`python -m demo.systems payments --books FILE`: run one service until it is terminated.

Prints `listening on http://127.0.0.1:<port>` once it does. The secret comes from the environment variable SECRET.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
from pathlib import Path

from aiohttp import web

from demo.systems.books import Books
from demo.systems.faults import Luck
from demo.systems.service import Service
from demo.systems.signature import SignatureVerifier
from demo.systems.trade import routes


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="demo.systems", description=__doc__)
    parser.add_argument("system", choices=("payments", "warehouse", "finance"))
    parser.add_argument("--books", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", type=float, default=1.0, help="scale of the fault rates; 0 for none")
    parser.add_argument("--declined", type=float, default=0.0, help="share of orders whose payment is declined")
    return parser.parse_args()


async def serve(arguments: argparse.Namespace) -> None:
    books = Books(arguments.books)
    service = Service(books, Luck(arguments.seed, arguments.faults), SignatureVerifier(os.environ["SECRET"]))
    application = service.application(routes(arguments.system, arguments.seed, arguments.declined))
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", arguments.port).start()
    print(f"listening on http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
    await runner.cleanup()
    books.close()


if __name__ == "__main__":
    asyncio.run(serve(parse()))
