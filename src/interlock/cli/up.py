"""`interlock up`: run an estate as a service, until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import uvloop

from interlock.app import log
from interlock.app.process import serve
from interlock.app.stopwatch import Stopwatch
from interlock.app.stores import told
from interlock.estate.estate import Estate
from interlock.estate.loader import load
from interlock.model.problems import EstateInvalid


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("estate", nargs="?", default=".", type=Path, help="folder of the estate (default: here)")
    parser.add_argument("--environment", default="local", help="environment of interlock.toml (default: local)")


def run(arguments: argparse.Namespace, level: int = logging.INFO) -> int:
    watch = Stopwatch()
    log.configure()
    logging.getLogger("interlock").setLevel(level)
    try:
        estate = load(arguments.estate, arguments.environment)
    except EstateInvalid as invalid:
        log.estate_invalid(arguments.estate, invalid)
        raise
    print(f"{summary(estate)}, checked in {watch.seconds:.1f} s", flush=True)
    uvloop.run(serve(estate, lambda port: print(listening(estate, port), flush=True)))
    return 0


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
