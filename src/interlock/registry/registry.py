"""The registry as one object: what edge serves."""

from __future__ import annotations

from dataclasses import dataclass

from interlock.ports.schema_store import SchemaStore
from interlock.registry.aside import Aside, here
from interlock.registry.catalog import Catalog
from interlock.registry.governed import UNGOVERNED, Governed
from interlock.registry.registration import Registration, Stored, nothing_stored
from interlock.registry.scopes import Scopes
from interlock.registry.standing import Standings


@dataclass(frozen=True, slots=True)
class Registry:
    catalog: Catalog
    registration: Registration
    scopes: Scopes
    standings: Standings
    governed: Governed

    @classmethod
    def on(
        cls,
        store: SchemaStore,
        governed: Governed = UNGOVERNED,
        aside: Aside = here,
        stored: Stored = nothing_stored,
    ) -> Registry:
        catalog, scopes = Catalog(store), Scopes(store, governed)
        registration = Registration(store, catalog, scopes, governed, aside, stored)
        return cls(catalog, registration, scopes, Standings(catalog, governed, aside), governed)
