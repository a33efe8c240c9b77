"""How a subject stands: who governs it, which contract versions it holds, and what of it is not classified yet."""

from __future__ import annotations

from functools import partial

import msgspec

from interlock.contracts.unclassified import unclassified
from interlock.ports.schema_store import SchemaVersion
from interlock.registry.aside import Aside, here
from interlock.registry.catalog import Catalog
from interlock.registry.governed import Governed
from interlock.registry.metadata import VERSION, properties
from interlock.registry.schema_reading import KINDS, SchemaReader

_BIND = "A flow binds to contracts of an estate: bring it there with every field classified (x-classification)."


class VersionStanding(msgspec.Struct, frozen=True, omit_defaults=True):
    """`unclassified`: JSON Pointers into the schema."""

    version: int
    id: int
    contract_version: str | None = None
    unclassified: tuple[str, ...] = ()


class Standing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`bindable`: a flow may handle it, as the estate holds its contract. `next_step` says what is missing for that."""

    subject: str
    governed: bool
    bindable: bool
    classified: bool
    estate: str | None = None
    contract: str | None = None
    next_step: str | None = None
    versions: tuple[VersionStanding, ...]


class Standings:
    def __init__(self, catalog: Catalog, governed: Governed, aside: Aside = here) -> None:
        self._catalog = catalog
        self._reader = SchemaReader(catalog.referred, aside)
        self._aside = aside
        self._governed = governed

    async def of(self, subject: str) -> Standing:
        """Raises Refusal when there is no such subject."""
        versions = tuple([await self._version(one) for one in await self._catalog.versions(subject)])
        found = self._governed.subjects.get(subject)
        return Standing(
            subject=subject,
            governed=found is not None,
            bindable=found is not None,
            classified=not versions[-1].unclassified,
            estate=self._governed.estate if found else None,
            contract=found.contract if found else None,
            next_step=None if found else _BIND,
            versions=versions,
        )

    async def _version(self, one: SchemaVersion) -> VersionStanding:
        schema = await self._reader.read_again(one.content)
        found = await self._aside(partial(unclassified, KINDS[schema.type], schema.complete))
        return VersionStanding(one.version, one.id, properties(one.content.metadata).get(VERSION), tuple(found))
