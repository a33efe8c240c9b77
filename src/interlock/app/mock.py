"""Composes and runs a mock server from contract documents."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from interlock.adapters.aiohttp_client import AiohttpClient
from interlock.adapters.system import SystemClock
from interlock.contracts.api.description import ApiDescription
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.json_schema.dialect import DEFAULT, dialect_of
from interlock.contracts.json_schema.generate import instances
from interlock.contracts.json_schema.schema_document import SchemaDocument
from interlock.contracts.json_schema.sound import refuse_endless, sound
from interlock.contracts.mock.api_mock import ApiMock
from interlock.contracts.mock.event_mock import EventMock, EventSchema
from interlock.edge.mock_api import MockApi
from interlock.edge.server import Server
from interlock.estate.contract_documents import ContractDocument
from interlock.model.problems import SettingInvalid

DRAIN_SECONDS = 2.0
TRIES = 50


def compose(documents: Sequence[ContractDocument], seed: int, wait_seconds: float) -> tuple[list[ApiMock], EventMock]:
    """Mocks of the documents. Raises DocumentRefused."""
    apis, schemas = [], []
    for one in documents:
        try:
            if one.kind == "api":
                api = ApiDescription(one.value)
                _refuse_endless(api)
                apis.append(ApiMock(api, generated, seed=seed, wait_seconds=wait_seconds))
            else:
                sound(one.value, dialect_of(one.value))
                schemas.append(EventSchema(one.name, one.version, one.value))
                EventMock(schemas[-1:], generated)  # here, where a mistake can be told with its file
        except ContractInvalid as error:
            raise one.refused(error.pointer, error.detail) from None
    return apis, EventMock(schemas, generated, seed)


def _refuse_endless(api: ApiDescription) -> None:
    """Raises ContractInvalid: with such schemas a mock would answer nothing but errors, one call after the other."""
    places = api.places()
    try:
        _bundle_ends(api, {"properties": places}, "")
    except ContractInvalid:  # once for all of them, since a large API has many; now which of them it was
        for place, schema in places.items():
            _bundle_ends(api, schema, place)
        raise


def _bundle_ends(api: ApiDescription, schema: Any, place: str) -> None:
    document = SchemaDocument(api.bundle(schema, "both", place), DEFAULT)
    try:
        refuse_endless(document)
    except ContractInvalid as error:
        raise ContractInvalid(place, error.detail, error.step) from None


def generated(schema: Any, seed: int) -> Iterator[Any]:
    """Valid documents of a schema, the same ones for the same seed."""
    return iter(instances(schema, schema, seed=seed, limit=TRIES))


async def serve(apis: Sequence[ApiMock], events: EventMock, host: str, port: int, ready: Callable[[int], None]) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    clock, client = SystemClock(), AiohttpClient()
    server = Server(MockApi(apis, events, clock, client).router(), clock)
    try:
        chosen = await server.listen_tcp(host, port)
    except OSError as error:
        raise SettingInvalid(
            f"The mock cannot listen on {host}:{port}: {error.strerror}.",
            next_step="Choose another port, or --port 0 for any free one.",
        ) from error
    ready(chosen)
    await stop.wait()
    await server.drain(DRAIN_SECONDS)
    await client.close()
