"""A registry served over real HTTP from a thread of its own, for clients that block."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from interlock.adapters.memory_schemas import MemorySchemas
from interlock.adapters.sqlite import SqliteSchemas, SqliteStore
from interlock.adapters.system import SystemClock
from interlock.edge.deprecation_fields import event_endings
from interlock.edge.registry_access import Guard
from interlock.edge.registry_api import RegistryApi
from interlock.edge.router import Router
from interlock.edge.server import Server
from interlock.estate.estate import Estate
from interlock.ports.schema_store import SchemaStore
from interlock.registry.estate_subjects import governed, publish
from interlock.registry.registry import Registry

MEDIA = "application/vnd.schemaregistry.v1+json"


class Answer(NamedTuple):
    status: int
    body: Any
    headers: dict[str, str]

    @property
    def code(self) -> int | None:
        return self.body.get("error_code") if isinstance(self.body, dict) else None


class Served:
    """`path`: of a SQLite store; None for one in memory. `prefix`: where on the port the registry is."""

    def __init__(
        self, path: Path | None = None, prefix: str = "", guard: Guard | None = None, estate: Estate | None = None
    ) -> None:
        self._path, self._prefix, self._guard, self._estate = path, prefix, guard, estate
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self.url = ""

    def __enter__(self) -> Served:
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(self, *exception: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        store = await SqliteStore.open(self._path) if self._path else None
        schemas = SqliteSchemas.beside(store) if store else MemorySchemas()
        router = Router()
        router.mount(self._prefix, (await self._api(schemas)).handle)
        server = Server(router, SystemClock())
        port = await server.listen_tcp("127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{port}{self._prefix}"
        self._ready.set()
        await self._stop.wait()
        await server.drain(1)
        if store is not None:
            await store.close()

    async def _api(self, schemas: SchemaStore) -> RegistryApi:
        if self._estate is None:
            return RegistryApi(Registry.on(schemas), self._prefix, self._guard)
        await publish(self._estate, schemas)
        registry = Registry.on(schemas, governed(self._estate))
        return RegistryApi(registry, self._prefix, self._guard, event_endings(self._estate))

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        data = json.dumps(body).encode() if body is not None and not isinstance(body, bytes) else body
        sent = {"content-type": MEDIA, **{name.replace("_", "-"): value for name, value in headers.items()}}
        request = Request(self.url + path, data, sent, method=method)
        try:
            with urlopen(request, timeout=20) as response:
                return _answer(response.status, response.read(), response.headers)
        except HTTPError as refused:
            return _answer(refused.code, refused.read(), refused.headers)

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, **headers)

    def post(self, path: str, schema: Any, kind: str = "JSON", **more: Any) -> Answer:
        """A schema; `more` are further members of the body."""
        text = schema if isinstance(schema, str) else json.dumps(schema)
        return self.ask("POST", path, {"schema": text, "schemaType": kind, **more})

    def register(self, subject: str, schema: Any, kind: str = "JSON", **more: Any) -> Answer:
        return self.post(f"/subjects/{subject}/versions", schema, kind, **more)


def _answer(status: int, body: bytes, headers: Any) -> Answer:
    return Answer(status, json.loads(body) if body else None, {name.lower(): value for name, value in headers.items()})
