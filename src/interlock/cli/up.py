"""`interlock up`: run an estate as a service, until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from functools import partial
from pathlib import Path

import uvloop

from interlock.app import log
from interlock.app.preflight import preflight, refuse_living
from interlock.app.role import ROLES, Role
from interlock.app.serving import serve
from interlock.app.stopwatch import Stopwatch
from interlock.app.stores import shares, told
from interlock.app.supervisor import EXIT_CONFIGURATION, Supervisor
from interlock.cli.estate_argument import add_estate
from interlock.estate.estate import Estate
from interlock.estate.loader import load
from interlock.model.problems import ConfigurationProblem, EstateInvalid, SettingInvalid

MOST_WORKERS = 64


def configure(parser: argparse.ArgumentParser) -> None:
    add_estate(parser)
    parser.add_argument("--environment", default="local", help="environment of interlock.toml (default: local)")
    parser.add_argument(
        "--workers", type=count, metavar="N", help="run one edge and N workers here, and restart those that die"
    )
    parser.add_argument(
        "--role",
        choices=ROLES,
        default="all",
        help="edge: requests only; worker: flows, schedules and calls only (default: all)",
    )
    parser.add_argument("--name", default="", help="what to call this process among several (default: its id)")
    parser.add_argument(
        "--health-port", type=int, default=0, metavar="PORT", help="a worker's port for probes and metrics; 0: none"
    )
    parser.add_argument("--supervised", type=int, metavar="FD", help=argparse.SUPPRESS)


def count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"from 1 to {MOST_WORKERS}")
    return number


def run(arguments: argparse.Namespace, level: int = logging.INFO) -> int:
    watch = Stopwatch()
    log.configure(process=getattr(arguments, "name", ""))
    logging.getLogger("interlock").setLevel(level)
    try:
        estate = load(arguments.estate, arguments.environment)
    except EstateInvalid as invalid:
        log.estate_invalid(arguments.estate, invalid)
        raise
    if arguments.supervised is None:
        print(f"{summary(estate)}, checked in {watch.seconds:.1f} s", flush=True)
    if arguments.workers is not None and (arguments.workers > 1 or shares(estate)):
        supervise(arguments, estate)
        return 0
    role = Role(arguments.role, arguments.name, arguments.health_port)
    if arguments.name and arguments.supervised is None and shares(estate):
        asyncio.run(refuse_living(estate, [role.full_name]))
    try:
        uvloop.run(
            serve(estate, lambda port: print(told_of(estate, role, port), flush=True), role, arguments.supervised)
        )
    except ConfigurationProblem as problem:
        if arguments.supervised is None:
            raise
        print(f"{problem.code}: {problem.detail}\n   {problem.step}", file=sys.stderr, flush=True)
        return EXIT_CONFIGURATION
    return 0


def supervise(arguments: argparse.Namespace, estate: Estate) -> None:
    """One edge and so many workers, as processes of their own."""
    if not shares(estate):
        raise SettingInvalid(
            f"--workers {arguments.workers} needs a store that several processes share; stores.kind is "
            f"{estate.settings.stores.kind}.",
            next_step='Set stores.kind = "postgres" (see docs/guides/from-one-machine-to-many.md), or leave --workers '
            "out: one process does it all then.",
        )
    same = [sys.executable, "-m", "interlock.cli.main", "up", str(arguments.estate)]
    same += ["--environment", arguments.environment]
    names = [("edge", "edge"), *((f"worker-{number + 1}", "worker") for number in range(arguments.workers))]
    commands = {name: [*same, "--role", role, "--name", name] for name, role in names}
    taken = [Role(member=name).full_name for name in commands]
    prepare = partial(preflight, estate, taken)
    asyncio.run(Supervisor(commands, estate.settings.workers.drain_seconds, prepare).run())


def told_of(estate: Estate, role: Role, port: int) -> str:
    if role.serves:
        return listening(estate, port)
    health = f"   health http://{estate.settings.server.host}:{port}/health/ready" if port else ""
    return f"{role.full_name} takes its part of the work   data {told(estate)}{health}"


def summary(estate: Estate) -> str:
    contracts, flows = len(estate.contracts), len(estate.flows)
    return f"estate {estate.name} {estate.hash[:6]}: {plural(contracts, 'contract')}, {plural(flows, 'flow')}"


def listening(estate: Estate, port: int) -> str:
    data = where(estate.store_path) if estate.settings.stores.kind == "sqlite" else told(estate)
    return f"listening on http://{estate.settings.server.host}:{port}   data {data}"


def where(path: Path) -> Path:
    """As a person here would name it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def plural(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
