"""What the registry has: every question that changes nothing."""

from __future__ import annotations

from interlock.ports.schema_store import Reference, SchemaContent, SchemaStore, SchemaVersion
from interlock.registry.refusal import INVALID_VERSION, SCHEMA_NOT_FOUND, SUBJECT_NOT_FOUND, VERSION_NOT_FOUND
from interlock.registry.subject_name import DEFAULT_CONTEXT, EVERYWHERE, context_of, lies_in

LATEST = -1
MAX_VERSION = 2**31 - 1


def version_number(text: str) -> int:
    """LATEST or a number. Raises Refusal 42202."""
    if text.strip().lower() == "latest" or text.strip() == str(LATEST):
        return LATEST
    if not text.isdecimal() or not text.isascii() or not 1 <= int(text[:11]) <= MAX_VERSION:
        raise INVALID_VERSION(text[:40])
    return int(text)


class Catalog:
    """Lists are in order of names and numbers. Softly deleted versions are shown to those who ask for them."""

    def __init__(self, store: SchemaStore) -> None:
        self._store = store

    async def subjects(self, prefix: str = EVERYWHERE, *, deleted: bool = False, only: bool = False) -> list[str]:
        """`only`: those without a live version."""
        found = await self._store.subjects("")
        wanted = {name for name, live in found.items() if (not live if only else live or deleted)}
        return [name for name in found if name in wanted and lies_in(name, prefix)]

    async def schemas(self, prefix: str, *, deleted: bool, latest_only: bool) -> list[SchemaVersion]:
        found = [
            one
            for one in await self._store.all_versions("")
            if lies_in(one.subject, prefix) and (deleted or not one.deleted)
        ]
        if not latest_only:
            return found
        return list({one.subject: one for one in found}.values())

    async def contexts(self) -> list[str]:
        found = {context_of(name) for name in await self._store.subjects("")}
        return sorted(found | {DEFAULT_CONTEXT})

    async def versions(self, subject: str, *, deleted: bool = False, only: bool = False) -> list[SchemaVersion]:
        """Raises Refusal when the subject is not there."""
        every = await self._store.versions(subject)
        shown = [one for one in every if (one.deleted if only else deleted or not one.deleted)]
        if not shown and not (only and every):
            raise SUBJECT_NOT_FOUND(subject)
        return shown

    async def version(self, subject: str, number: int, *, deleted: bool = False) -> SchemaVersion:
        """LATEST is the newest of those that are shown. Raises Refusal."""
        shown = await self.versions(subject, deleted=deleted)
        if number == LATEST:
            return shown[-1]
        found = next((one for one in shown if one.version == number), None)
        if found is None:
            raise VERSION_NOT_FOUND(number)
        return found

    async def content(self, context: str, schema_id: int) -> SchemaContent:
        found = await self._store.content(context, schema_id)
        if found is None:
            raise SCHEMA_NOT_FOUND(f" {schema_id}")
        return found

    async def uses(self, context: str, schema_id: int, *, deleted: bool) -> list[SchemaVersion]:
        await self.content(context, schema_id)
        return [one for one in await self._store.uses(context, schema_id) if deleted or not one.deleted]

    async def referred(self, reference: Reference) -> SchemaContent | None:
        """What a reference leads to, softly deleted or not."""
        for one in await self._store.versions(reference.subject):
            if one.version == reference.version:
                return one.content
        return None

    async def highest_id(self, context: str) -> int:
        return await self._store.highest_id(context)

    async def referred_by(self, subject: str, number: int) -> list[int]:
        """The ids of live schemas that refer to a version, which may be softly deleted."""
        found = await self.version(subject, number, deleted=True)
        referring = await self._store.referrers(found.subject, found.version)
        return sorted({one.id for one in referring if not one.deleted})
