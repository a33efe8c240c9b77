"""Composes the schema registry of a running engine."""

from __future__ import annotations

from interlock.adapters.aside_process import AsideProcess
from interlock.app.listening import cannot_listen
from interlock.edge.deprecation_fields import event_endings
from interlock.edge.limits import EdgeLimits
from interlock.edge.registry_api import RegistryApi
from interlock.edge.router import Router
from interlock.edge.server import Server
from interlock.estate.estate import Estate
from interlock.model.clock import Clock
from interlock.ports.record_reader import RecordReader
from interlock.ports.schema_store import SchemaStore
from interlock.registry.estate_subjects import governed, publish
from interlock.registry.registry import Registry

COMPUTING_SECONDS = 10.0


class ServedRegistry:
    """The registry below its path on the engine's port, and at the root of a port of its own if the settings say so."""

    def __init__(
        self, estate: Estate, store: SchemaStore, record: RecordReader, clock: Clock, limits: EdgeLimits
    ) -> None:
        """`record` tells what is stored; not the engine's own, since who waits for an answer asks it."""
        self._settings = estate.settings
        self._aside = AsideProcess(COMPUTING_SECONDS)
        self._estate = estate
        self._store = store
        self._registry = Registry.on(store, governed(estate), self._aside.run, record.carried)
        self.api = self._api(estate.settings.registry.path)
        self._clock = clock
        self._limits = limits
        self._server: Server | None = None
        self.port = 0

    async def start(self) -> None:
        """Register the estate's contracts; listen on the port of its own, if there is one to be."""
        await publish(self._estate, self._store)
        settings = self._settings
        if not settings.registry.port:
            return
        router = Router()
        router.mount("", self._api("").handle)
        self._server = Server(router, self._clock, self._limits)
        try:
            self.port = await self._server.listen_tcp(settings.server.host, settings.registry.port)
        except OSError as error:
            raise cannot_listen(settings.server.host, settings.registry.port, "registry.port", error) from error

    def _api(self, prefix: str) -> RegistryApi:
        return RegistryApi(self._registry, prefix, endings=event_endings(self._estate))

    async def drain(self, seconds: float) -> None:
        if self._server is not None:
            await self._server.drain(seconds)
        await self._aside.close()
