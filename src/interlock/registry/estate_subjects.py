"""The event contracts of an estate as subjects: `orders.OrderPlaced`, its versions in order, their numbers in metadata.

The subject is the event's type, so that each major version is a subject of its own, and whoever reads one reads them
all.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from interlock.contracts.comparison import MODES
from interlock.contracts.event_contract import EXTENSION, EventContract
from interlock.contracts.semver import SemanticVersion
from interlock.estate.estate import Estate
from interlock.model.problems import EstateInvalid
from interlock.ports.schema_store import Reference, SchemaContent, SchemaStore
from interlock.registry.decision import decided
from interlock.registry.governed import Governed, GovernedSubject
from interlock.registry.metadata import VERSION, properties, stored
from interlock.registry.refusal import Refusal
from interlock.registry.schema_reading import AskedSchema, SchemaReader
from interlock.registry.subject_name import DEFAULT_CONTEXT


def governed(estate: Estate) -> Governed:
    """One subject for each event type."""
    default = estate.settings.contracts.compatibility
    subjects = {
        contract.type: GovernedSubject(f"{contract.domain}.{contract.name}", _level(contract.schema, default))
        for contract in estate.latest.values()
    }
    return Governed(estate.name, subjects)


def _level(schema: Any, default: str) -> str:
    said = schema[EXTENSION].get("compatibility")
    return said if said in MODES else default


async def publish(estate: Estate, store: SchemaStore) -> None:
    """Register what is not there yet, oldest version first. Idempotent, so that ids stay from start to start.

    Versions whose files have gone stay: what was written by them has to be readable.
    """
    by_age = sorted(estate.contracts.values(), key=lambda one: (one.type, SemanticVersion.parse(one.version)))
    for contract in by_age:
        content = await _content(contract)
        await _add(store, contract.type, content, newest=estate.latest[contract.type] is contract)


async def documents(store: SchemaStore, types: Iterable[str]) -> dict[tuple[str, str], Any]:
    """The schemas that were ever published for these event types, by (type, version)."""
    found = {}
    for event_type in sorted(types):
        for one in await store.versions(event_type):
            version = properties(one.content.metadata).get(VERSION)
            if version is not None:
                found[event_type, version] = json.loads(one.content.text)
    return found


async def _content(contract: EventContract) -> SchemaContent:
    text = json.dumps(contract.schema, ensure_ascii=False, separators=(",", ":"))
    metadata = stored({"properties": {VERSION: contract.version}}, None)
    try:
        schema = await SchemaReader(_nothing).read(AskedSchema(text, "JSON", (), metadata))
    except Refusal as refusal:
        raise EstateInvalid(f"{contract.type} {contract.version} cannot be registered: {refusal.message}") from None
    return schema.content(normalize=False)


async def _nothing(reference: Reference) -> None:
    """A contract of an estate refers to itself only."""


async def _add(store: SchemaStore, subject: str, content: SchemaContent, newest: bool) -> None:
    async def step(seen: int) -> None:
        live = [one for one in await store.versions(subject) if not one.deleted]
        same = [one for one in live if one.content.fingerprint == content.fingerprint]
        if newest and same and same[-1] != live[-1]:
            # A version that was passed and is the newest again: `latest` has to lead to it.
            await store.delete(subject, [one.version for one in same], seen)
            seen = await store.revision()
        await store.add(DEFAULT_CONTEXT, subject, content, seen)

    await decided(store, step)
