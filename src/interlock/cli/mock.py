"""`interlock mock`: a server that answers as a contract says. Exit 0 when stopped, 2 for a wrong contract."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path

from interlock.app.mock import compose, serve
from interlock.estate.contract_documents import DocumentRefused, contract_documents, newest


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "contract", nargs="?", default=".", type=Path, help="an OpenAPI or JSON Schema file, or an estate"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", default=4010, type=_port, help="port, 0 for any free one (default: 4010)")
    parser.add_argument("--latency", default=0, type=int, metavar="MS", help="hold every answer back, milliseconds")
    parser.add_argument("--seed", default=0, type=int, help="of generated data: the same seed, the same data")
    parser.add_argument("--json", action="store_true", help="print one JSON document when it listens")


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port: 0 to 65535")
    return port


def run(arguments: argparse.Namespace) -> int:
    try:
        documents = newest(contract_documents(arguments.contract))
        apis, events = compose(documents, arguments.seed, arguments.latency / 1000)
    except DocumentRefused as refused:
        print(f"{refused}\n   Correct the document; a mock of a wrong contract would mislead.", file=sys.stderr)
        return 2
    operations = sum(len(one.api.operations) for one in apis)

    def ready(port: int) -> None:
        url = f"http://{arguments.host}:{port}"
        if arguments.json:
            print(json.dumps({"url": url, "operations": operations, "events": sorted(events.schemas)}), flush=True)
        else:
            counts = f"{operations} operations, {len(events.schemas)} events"
            print(f"mocking {arguments.contract}: {counts}\nlistening on {url}   overview {url}/__mock", flush=True)

    asyncio.run(serve(apis, events, arguments.host, arguments.port, ready))
    return 0
