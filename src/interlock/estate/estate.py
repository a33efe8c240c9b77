"""The whole estate as one immutable object: what the engine runs on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from interlock.contracts.api_contract import ApiOperation
from interlock.contracts.deprecation import Deprecation
from interlock.contracts.event_contract import EventContract
from interlock.estate.settings import Settings
from interlock.estate.source import Source
from interlock.estate.system import Operation, Owner, System
from interlock.sdk.flow import Flow


@dataclass(frozen=True, slots=True)
class Estate:
    """Read from a folder by `loader.load`; checked; mappings are read-only.

    hash        SHA-256 over names and bytes of all files, as hexadecimal text
    contracts   by (type, version)
    latest      by type: the newest version of it
    apis        by `<api>.<operationId>`
    package     the Python package of the estate's modules
    plans       deprecations, by contract (orders.OrderPlaced, apis/shop) and major
    """

    root: Path
    name: str
    hash: str
    package: str
    environment: str
    settings: Settings
    contracts: Mapping[tuple[str, str], EventContract]
    latest: Mapping[str, EventContract]
    apis: Mapping[str, ApiOperation]
    flows: Mapping[str, Flow]
    systems: Mapping[str, System]
    owners: Mapping[str, Owner]
    plans: Mapping[tuple[str, int], Deprecation] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)

    @property
    def store_path(self) -> Path:
        """The file of the SQLite store."""
        return self.root / self.settings.stores.path.replace("{name}", self.name)

    def operation(self, name: str) -> Operation | None:
        """The operation that `ctx.call` names: `<system>.<operation>`."""
        system, _, short = name.partition(".")
        found = self.systems.get(system)
        return found.operations.get(short) if found else None
