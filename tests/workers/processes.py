"""Real processes on a real PostgreSQL: `interlock up` as people run it, and what to see of it from outside."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jetstream
import kafka
import postgres
import psycopg

from interlock.estate.starter import write_starter
from interlock.testing.end_with_run import start_server
from interlock.testing.server_process import free_port

COMMAND = [sys.executable, "-m", "interlock.cli.main"]
NEXT_RELEASE = [sys.executable, str(Path(__file__).parent.parent / "next_release.py")]

KIND = {"content-type": "application/cloudevents+json"}
FLOW = """\
import asyncio

from interlock import Context, Flow

from estate.contracts.orders import OrderPlaced

flow = Flow("spending", owner="team-orders", slo="orders-counted")


@flow.on(OrderPlaced)
async def add_to_total(order: OrderPlaced, ctx: Context) -> None:
    number = int(order.order_id)
    if number % 5 == 0:
        await asyncio.sleep(0.02)
    seen = await ctx.get("story", order.customer_id) or []
    ctx.put("story", order.customer_id, [*seen, number])
    ctx.counter("effects", "all").add(1)
"""


class Deployment:
    """An estate on a schema of its own, and the processes that run it. `pool`: whose schemas are used again for it."""

    def __init__(
        self,
        folder: Path,
        kind: str = "postgres",
        lease_seconds: float = 4.0,
        pool: str = "state",
        log: str = "state",
    ) -> None:
        self._pool = pool if log == "state" else f"up {log} {pool}"
        self.schema = postgres.new_schema(log=self._pool) if kind == "postgres" else ""
        self.folder = folder / "shop"
        self.port = free_port()
        write_starter(self.folder, "shop")
        (self.folder / "flows" / "spending.py").write_text(FLOW)
        stores = f'[stores]\nkind = "{kind}"\n' + (f'schema = "{self.schema}"\n' if self.schema else "")
        if log != "state":
            name = "topic" if log == "kafka" else "stream"
            stores += f'log = "{log}"\n[{log}]\n{name} = "{self.schema}"\n'
        (self.folder / "interlock.toml").write_text(
            f'[estate]\nname = "shop"\n[server]\nport = {self.port}\n{stores}'
            f"[workers]\nlease_seconds = {lease_seconds}\ndrain_seconds = 5\n"
        )
        self.environment = os.environ | {"INTERLOCK_POSTGRES": postgres.database() if self.schema else ""}
        if log == "kafka":
            self.environment["INTERLOCK_KAFKA"] = kafka.server("tansu").address
        if log == "jetstream":
            self.environment["INTERLOCK_NATS"] = jetstream.server().url
        self.running: list[subprocess.Popen[str]] = []
        self.output = folder / "output"

    def start(self, *arguments: str, command: Sequence[str] = COMMAND) -> subprocess.Popen[str]:
        with self.output.open("a") as output:
            process = start_server(
                [*command, "up", str(self.folder), *arguments],
                env=self.environment,
                stdout=output,
                stderr=output,
                text=True,
            )
        self.running.append(process)
        return process

    def close(self) -> None:
        for process in self.running:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in self.running:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self.schema:
            postgres.give_back(self.schema, log=self._pool)

    # What can be seen

    def events(self, name: str) -> list[dict[str, Any]]:
        """Lines of that event in the log of all processes."""
        lines = [json.loads(line) for line in self.output.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == name]

    def pids(self) -> dict[str, int]:
        """The supervisor's children by name, as started last."""
        return {line["child"]: line["pid"] for line in self.events("supervisor.started")}

    def signal(self, name: str, number: int) -> None:
        os.kill(self.pids()[name], number)

    def get(self, path: str, port: int | None = None) -> int:
        """The status; 0 when nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port or self.port}{path}", timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.environment["INTERLOCK_POSTGRES"], autocommit=True) as connection:
            connection.execute(f"SET search_path = {self.schema}".encode())
            return connection.execute(statement.encode()).fetchall()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *arguments], env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )

    def story(self) -> dict[str, list[int]]:
        """Whose orders were handled, in which order."""
        rows = self.ask("SELECT s.key, s.value FROM state AS s JOIN name AS n ON n.id = s.tbl WHERE n.text = 'story'")
        return {key: json.loads(value) for key, value in rows}

    def holds(self, load: Load) -> None:
        """Everything that was accepted is handled, once, in its order."""
        count = load.end()
        assert set(load.refusals) <= {429, 503}
        until(lambda: sum(map(len, self.story().values())) >= count, what=f"{count} effects")
        assert self.story() == {key: list(range(number)) for key, number in load.placed.items() if number}
        ((effects,),) = self.ask("SELECT c.value FROM counter AS c JOIN name AS n ON n.id = c.tbl")
        assert effects == count

    def leased(self) -> dict[str, int]:
        """How many partitions each living member has, by its name without the host."""
        if self.ask("SELECT to_regclass('lease')") == [(None,)]:
            return {}  # the first process has not come that far yet
        rows = self.ask(
            "SELECT m.name, count(l.partition) FROM member AS m LEFT JOIN lease AS l ON l.epoch = m.epoch GROUP BY 1"
        )
        return {name.rpartition("/")[2]: number for name, number in rows}


def order(customer: str, number: int) -> bytes:
    """One order of a customer, as a structured CloudEvent."""
    lines = [{"sku": "MUG", "quantity": 1, "unit_price": "1.00"}]
    data = {"order_id": str(number), "customer_id": customer, "placed_at": "2026-01-05T14:02:11Z"}
    data |= {"currency": "GBP", "total": "1.00", "lines": lines}
    event = {"specversion": "1.0", "id": f"{customer}-{number}", "source": "load", "type": "orders.OrderPlaced"}
    return json.dumps(event | {"datacontenttype": "application/json", "data": data}).encode()


class Load(threading.Thread):
    """Places orders, number by number for each of some customers, each until it is accepted, and no faster."""

    def __init__(self, port: int, pause_seconds: float = 0.004) -> None:
        super().__init__(daemon=True)
        self.placed = {f"C-{number}": 0 for number in range(24)}
        self._url = f"http://127.0.0.1:{port}/events"
        self._pause_seconds = pause_seconds
        self._ended = threading.Event()
        self.refusals: list[int] = []

    def run(self) -> None:
        for turn in itertools.count():
            if self._ended.is_set():
                return
            customer = f"C-{turn * 7 % 24}"
            while not self._place(customer, self.placed[customer]):
                time.sleep(0.05)
            self.placed[customer] += 1
            time.sleep(self._pause_seconds)

    def _place(self, customer: str, number: int) -> bool:
        body = order(customer, number)
        try:
            with urllib.request.urlopen(urllib.request.Request(self._url, body, KIND), timeout=10) as answer:
                return bool(answer.status < 300)
        except urllib.error.HTTPError as error:
            self.refusals.append(error.code)
            return False
        except OSError:
            return False

    def end(self) -> int:
        """How many orders were accepted."""
        self._ended.set()
        self.join()
        return sum(self.placed.values())


def until(true: Callable[[], object], seconds: float = 60, what: str = "it") -> None:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come about within {seconds} s")
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
