"""`python -m demo.run`: the main job. Real orders through the engine, with faults and one SIGKILL; do the books agree?

With `--backend` on servers that it starts itself, and two workers, one of which is killed.

Exit codes: 0 the books agree; 1 they do not, or something broke; 2 the orders are unreadable.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from demo.backend import BACKENDS, Backend, kill_worker
from demo.child import Child, DidNotStart
from demo.engine import CommandFailed, Engine
from demo.feeder import Feeder, Refused
from demo.generator import write
from demo.invoices import Invoice, UnreadableExport, read_invoices
from demo.report import Run, render
from demo.stock import opening_stock
from demo.workplace import SYSTEMS, Workplace

ESTATE = Path(__file__).parents[1] / "estates" / "commerce"
SETTLE_SECONDS = 300.0
DOWN_SECONDS = 0.5
SCARCE_SHARE = 0.05
DECLINED_SHARE = 0.02


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="demo.run", description=__doc__)
    parser.add_argument("--orders", type=Path, help="CSV in UCI form, or a folder; default: a built-in stream")
    parser.add_argument("--backend", choices=BACKENDS, default=BACKENDS[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=600, help="invoices of the built-in stream")
    parser.add_argument("--rate", type=float, default=50.0, help="invoices per second")
    parser.add_argument("--kills", type=int, default=1, help="how often the engine gets SIGKILL, evenly spread")
    parser.add_argument("--no-kill", dest="kills", action="store_const", const=0)
    parser.add_argument("--faults", type=float, default=1.0, help="scale of the systems' fault rates; 0 for none")
    own = "; default: 0 for your own orders, else"
    parser.add_argument("--scarce", type=float, help=f"share of articles with too little stock{own} {SCARCE_SHARE}")
    parser.add_argument("--declined", type=float, help=f"share of declined payments{own} {DECLINED_SHARE}")
    parser.add_argument("--work", type=Path, default=Path(".demo"), help="folder for this run; it is emptied first")
    arguments = parser.parse_args(argv)
    if arguments.scarce is None:
        arguments.scarce = 0 if arguments.orders else SCARCE_SHARE
    if arguments.declined is None:
        arguments.declined = 0 if arguments.orders else DECLINED_SHARE
    return arguments


class Demo:
    def __init__(self, arguments: argparse.Namespace, console: Console) -> None:
        self._arguments = arguments
        self._console = console
        self._workplace = Workplace(arguments.work)
        self._backend = Backend(arguments.backend)
        self._engine = Engine(self._workplace, self._backend)
        self._chance = random.Random(arguments.seed)
        self._fed = self._kills = 0
        self._kills_due: asyncio.Queue[int] = asyncio.Queue()

    async def run(self) -> Run:
        orders = self._orders()
        invoices = read_invoices(orders)
        async with AsyncExitStack() as servers:
            await self._backend.start(servers)  # longer than the engine: they are asked what became of it
            return await self._run(orders, invoices)

    async def _run(self, orders: Path, invoices: list[Invoice]) -> Run:
        async with AsyncExitStack() as running:
            await self._start(running)
            session = await running.enter_async_context(aiohttp.ClientSession())
            begun = time.monotonic()
            feeder = await self._feed(session, invoices)
            status = await self._settle()
            seconds = time.monotonic() - begun
        with self._console.status("comparing the books"):
            letters = await self._engine.dead_letters()
            self._workplace.dead_letters.write_text(json.dumps(letters))
            result = await self._reconcile(orders)
            story_of = (result["examples"] or [invoices[0].number])[0]
            story = await self._engine.why(story_of)
        return Run(status, letters, result, feeder.tally, seconds, self._kills, story_of, story)

    def _orders(self) -> Path:
        if self._arguments.orders is not None:
            orders: Path = self._arguments.orders
            return orders
        path = self._workplace.root / "orders.csv"
        write(path, self._arguments.seed, self._arguments.count)
        return path

    async def _start(self, running: AsyncExitStack) -> None:
        addresses = {}
        for name in SYSTEMS:
            system = await self._start_system(name)
            running.push_async_callback(system.stop)
            addresses[name] = system.address
        self._workplace.copy_estate(ESTATE, addresses, self._backend.settings)
        await self._engine.start()
        running.push_async_callback(self._engine.stop)
        self._console.print(
            f"engine {self._engine.address} on {self._backend.told}, systems {', '.join(addresses.values())}"
        )

    async def _start_system(self, name: str) -> Child:
        options = self._arguments
        books = self._workplace.books / f"{name}.db"
        command = [sys.executable, "-m", "demo.systems", name, "--books", str(books), "--seed", str(options.seed)]
        command += ["--faults", str(options.faults), "--declined", str(options.declined)]
        environ = {"SECRET": self._workplace.secrets[name]}
        return await Child.start(name, command, environ, self._workplace.logs / f"{name}.log")

    async def _feed(self, session: aiohttp.ClientSession, invoices: list[Invoice]) -> Feeder:
        options = self._arguments
        stock = opening_stock(invoices, options.seed, options.scarce)
        self._workplace.stock.write_text(json.dumps(stock))
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self._console) as progress:
            bar = progress.add_task("invoices", total=len(invoices))

            kills_at = [len(invoices) * number // (options.kills + 1) for number in range(1, options.kills + 1)]

            def advance(count: int) -> None:
                self._fed += count
                progress.advance(bar, count)
                while kills_at and self._fed >= kills_at[0]:
                    self._kills_due.put_nowait(kills_at.pop(0))

            feeder = Feeder(session, lambda: self._engine.address, options.seed, options.rate, advance)
            await feeder.feed_stock(stock)
            await self._engine.settle(SETTLE_SECONDS)  # an order that overtook its stock would be short of it
            async with asyncio.TaskGroup() as group:
                group.create_task(self._kill(options.kills, progress.console))
                group.create_task(feeder.feed(invoices))
        return feeder

    async def _kill(self, times: int, console: Console) -> None:
        """SIGKILL at even shares of the way: to the engine, with the feeder against a closed door, or to a worker."""
        for _ in range(times):
            await self._kills_due.get()
            self._kills += 1
            if not self._backend.embedded:
                pid = kill_worker(self._engine.pid, self._chance)
                console.print(f"SIGKILL to the worker {pid} after {self._fed} invoices")
                continue
            await self._engine.kill()
            console.print(f"SIGKILL to the engine after {self._fed} invoices")
            await asyncio.sleep(DOWN_SECONDS)
            await self._engine.start()
            console.print(f"engine back on {self._engine.address}")

    async def _settle(self) -> dict[str, Any]:
        with self._console.status("waiting until nothing is under way"):
            return await self._engine.settle(SETTLE_SECONDS)

    async def _reconcile(self, orders: Path) -> dict[str, Any]:
        """In a process of its own: it shares nothing with what it judges."""
        place = self._workplace
        command = ["-m", "demo.reconciler", "--json", "--orders", str(orders), "--books", str(place.books)]
        command += ["--stock", str(place.stock), "--dead-letters", str(place.dead_letters)]
        process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.PIPE)
        out, _ = await process.communicate()
        (place.root / "reconciliation.json").write_bytes(out)
        if process.returncode not in (0, 1):
            raise CommandFailed("the reconciler could not read its input")
        result: dict[str, Any] = json.loads(out)
        return result


def main() -> int:
    console = Console(highlight=False)
    try:
        run = asyncio.run(Demo(parse(), console).run())
    except UnreadableExport as unreadable:
        console.print(f"cannot read the orders: {unreadable}", markup=False)
        return 2
    except (DidNotStart, CommandFailed, Refused, ExceptionGroup) as failure:
        for cause in causes(failure):
            console.print(f"the demo broke off: {type(cause).__name__}: {cause}", markup=False)
        return 1
    render(run, console)
    return 0 if run.agrees else 1


def causes(failure: Exception) -> list[Exception]:
    """What task groups wrapped, as deep as they did."""
    if isinstance(failure, ExceptionGroup):
        return [cause for wrapped in failure.exceptions for cause in causes(wrapped)]
    return [failure]


if __name__ == "__main__":
    sys.exit(main())
