"""Schemas in and out: register, look up, ask whether it would be taken, delete softly and for good."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import NamedTuple

from interlock.contracts.comparison import Reading
from interlock.model.carried import Carried, said
from interlock.model.problems import BusinessConflict
from interlock.ports.schema_store import Reference, SchemaContent, SchemaStore, SchemaVersion
from interlock.registry.aside import Aside, here
from interlock.registry.catalog import LATEST, Catalog
from interlock.registry.compatibility import Earlier, objections, undecided
from interlock.registry.config import Config
from interlock.registry.decision import decided
from interlock.registry.governed import Governed
from interlock.registry.metadata import VERSION, group_of, properties, with_defaults
from interlock.registry.refusal import (
    INCOMPATIBLE,
    INVALID_SCHEMA,
    NOT_PERMITTED,
    REFERENCE_EXISTS,
    SCHEMA_NOT_FOUND,
    SUBJECT_NOT_FOUND,
    SUBJECT_NOT_SOFT_DELETED,
    SUBJECT_SOFT_DELETED,
    VERSION_NOT_FOUND,
    VERSION_NOT_SOFT_DELETED,
    VERSION_SOFT_DELETED,
)
from interlock.registry.schema_reading import AskedSchema, ReadSchema, SchemaReader
from interlock.registry.scopes import Scopes
from interlock.registry.subject_name import checked, context_of, qualified

Stored = Callable[[], Awaitable[Sequence[Carried]]]


class Numbers(NamedTuple):
    """The id and the version that a request asks for. Only an import gives ids."""

    schema_id: int | None = None
    version: int | None = None


CHOOSE = Numbers()


async def nothing_stored() -> Sequence[Carried]:
    """For a registry without an engine."""
    return ()


class Registration:
    """Decides on what it reads, and writes only what still holds.

    aside    runs what only computes, and may take a while, where it holds up nobody
    stored   which contract versions the engine's store carries
    """

    def __init__(
        self,
        store: SchemaStore,
        catalog: Catalog,
        scopes: Scopes,
        governed: Governed,
        aside: Aside = here,
        stored: Stored = nothing_stored,
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._scopes = scopes
        self._governed = governed
        self._aside = aside
        self._reader = SchemaReader(catalog.referred, aside)
        self._stored = stored

    async def register(
        self, subject: str, asked: AskedSchema, numbers: Numbers = CHOOSE, *, normalize: bool = False
    ) -> SchemaVersion:
        """The version that the schema is now; the one that it was already. Raises Refusal."""
        checked(subject)

        async def step(seen: int) -> SchemaVersion:
            config = await self._scopes.config_in_scope(subject)
            schema = await self._read(subject, with_defaults(asked, config))
            content = await self._content(schema, normalize or bool(config.normalize))
            every = await self._store.versions(subject)
            known = await self._known(subject, schema, content, [one for one in every if not one.deleted])
            if known is not None and numbers.schema_id in (None, known.id) and numbers.version in (None, known.version):
                return known
            await self._refuse(subject, schema, numbers, config, every)
            return await self._add(subject, content, numbers, seen)

        return await decided(self._store, step)

    async def look_up(
        self, subject: str, asked: AskedSchema, *, normalize: bool = False, deleted: bool = False
    ) -> SchemaVersion:
        """The version that this schema is. Raises Refusal."""
        shown = await self._catalog.versions(subject, deleted=deleted)
        config = await self._scopes.config_in_scope(subject)
        schema = await self._read(subject, asked)
        content = await self._content(schema, normalize or bool(config.normalize))
        found = await self._known(subject, schema, content, shown)
        if found is None:
            raise SCHEMA_NOT_FOUND("")
        return found

    async def objections(
        self, subject: str, asked: AskedSchema, number: int | None = None, *, normalize: bool = False
    ) -> list[str]:
        """Why it would not be taken; against one version, or against those that the level asks for (None)."""
        config = await self._scopes.config_in_scope(subject)
        schema = await self._read(subject, asked)
        live = [one for one in await self._store.versions(subject) if not one.deleted]
        if number is None:
            return await self._against(schema, live, config)
        if number == LATEST:
            return await self._compared(schema, live[-1:], config)
        wanted = [one for one in live if one.version == number]
        if not wanted:
            raise VERSION_NOT_FOUND(number)
        return await self._compared(schema, wanted, config)

    async def delete_version(self, subject: str, number: int, *, permanent: bool) -> int:
        """Softly first, then for good. Raises Refusal."""

        async def step(seen: int) -> int:
            await self._refuse_delete(subject)
            every = await self._catalog.versions(subject, deleted=True)
            one = await self._catalog.version(subject, number, deleted=number != LATEST)
            if permanent and not one.deleted:
                raise VERSION_NOT_SOFT_DELETED(subject, one.version)
            if not permanent and one.deleted:
                raise VERSION_SOFT_DELETED(subject, one.version)
            if permanent:
                await self._store.erase(subject, [one.version], seen)
            else:
                await self._refuse_referred([one])
                await self._store.delete(subject, [one.version], seen)
                await self._forget_settings(subject, every, [one])
            return one.version

        return await decided(self._store, step)

    async def delete_subject(self, subject: str, *, permanent: bool) -> list[int]:
        """The versions that went."""

        async def step(seen: int) -> list[int]:
            await self._refuse_delete(subject)
            every = await self._store.versions(subject)
            live = [one for one in every if not one.deleted]
            if not every:
                raise SUBJECT_NOT_FOUND(subject)
            if permanent and live:
                raise SUBJECT_NOT_SOFT_DELETED(subject)
            if not permanent and not live:
                raise SUBJECT_SOFT_DELETED(subject)
            going = every if permanent else live
            if permanent:
                await self._store.erase(subject, [one.version for one in going], seen)
            else:
                await self._refuse_referred(going)
                await self._store.delete(subject, [one.version for one in going], seen)
                await self._forget_settings(subject, every, going)
            return [one.version for one in going]

        return await decided(self._store, step)

    async def _read(self, subject: str, asked: AskedSchema) -> ReadSchema:
        context = context_of(subject)
        references = [one._replace(subject=qualified(one.subject, context)) for one in asked.references]
        numbered = tuple([await self._numbered(one) for one in references])
        return await self._reader.read(asked._replace(references=numbered))

    async def _content(self, schema: ReadSchema, normalize: bool) -> SchemaContent:
        return await self._aside(partial(schema.content, normalize))

    async def _numbered(self, reference: Reference) -> Reference:
        if reference.version != LATEST:
            return reference
        live = [one for one in await self._store.versions(reference.subject) if not one.deleted]
        if not live:
            raise INVALID_SCHEMA(f"the reference {reference.name} leads to {reference.subject}, which is not there.")
        return reference._replace(version=live[-1].version)

    async def _known(
        self, subject: str, schema: ReadSchema, content: SchemaContent, shown: Sequence[SchemaVersion]
    ) -> SchemaVersion | None:
        """By fingerprint; failing that, where the request brings no metadata, by what the schema means."""
        newest_first = list(reversed(shown))
        for one in newest_first:
            if one.content.fingerprint == content.fingerprint:
                return one
        if content.metadata:
            return None
        for one in newest_first:
            differs = one.content.metadata or one.content.references != content.references
            if differs and one.content.type == content.type:
                stored = await self._reader.read_again(one.content)
                if stored.meaning == schema.meaning:
                    return one
        return None

    async def _refuse(
        self, subject: str, schema: ReadSchema, numbers: Numbers, config: Config, every: Sequence[SchemaVersion]
    ) -> None:
        """Raises Refusal unless the new version may come in."""
        refusal = self._governed.change_refused(subject)
        if refusal is not None:
            raise refusal
        await self._scopes.refuse_read_only(subject)
        importing = await self._scopes.mode_in_scope(subject) == "IMPORT"
        if importing != (numbers.schema_id is not None):
            raise NOT_PERMITTED(f"Subject {subject} is {'in' if importing else 'not in'} import mode")
        if importing:
            return
        following = max((one.version for one in every), default=0) + 1
        if numbers.version not in (None, following):
            raise INVALID_SCHEMA(f"the version {numbers.version} is not one more than the previous version.")
        found = await self._against(schema, [one for one in every if not one.deleted], config)
        if found:
            raise INCOMPATIBLE(subject, ", ".join(found))

    async def _add(self, subject: str, content: SchemaContent, numbers: Numbers, seen: int) -> SchemaVersion:
        context = context_of(subject)
        try:
            return await self._store.add(
                context, subject, content, seen, schema_id=numbers.schema_id, version=numbers.version
            )
        except BusinessConflict as conflict:
            raise NOT_PERMITTED(conflict.detail) from None

    async def _against(self, schema: ReadSchema, live: Sequence[SchemaVersion], config: Config) -> list[str]:
        """The versions of its group that the level asks for: the last, or all."""
        group = config.compatibility_group
        if group:
            wanted = group_of(schema.metadata, group)
            live = [one for one in live if group_of(one.content.metadata, group) == wanted]
        transitive = str(config.compatibility_level).endswith("_TRANSITIVE")
        return await self._compared(schema, live if transitive else live[-1:], config, live)

    async def _compared(
        self, schema: ReadSchema, olds: Sequence[SchemaVersion], config: Config, live: Sequence[SchemaVersion] = ()
    ) -> list[str]:
        """Against `olds`, and against those of `live` by which something is still stored (C12)."""
        level = str(config.compatibility_level)
        if level == "NONE":
            return []
        carried = await self._carried(live)
        earlier = []
        for one in reversed(live or olds):
            if one in olds or one.version in carried:
                old = await self._reader.read_again(one.content)
                read_by = level if one in olds else "BACKWARD"
                earlier.append(Earlier(one.version, old, read_by, carried.get(one.version, "")))
        policy: Reading = config.compatibility_policy or "STRICT"
        try:
            return await self._aside(partial(objections, schema, earlier, level, policy))
        except TimeoutError as late:
            return undecided(level, str(late))

    async def _carried(self, live: Sequence[SchemaVersion]) -> dict[int, str]:
        """What is stored by each version of a contract, in words, by the number that the subject gives it."""
        numbers = {properties(one.content.metadata).get(VERSION): one for one in live}
        found: dict[int, list[Carried]] = {}
        for row in await self._stored() if numbers.keys() - {None} else ():
            one = numbers.get(row.version)
            if one is not None and one.subject == row.type:
                found.setdefault(one.version, []).append(row)
        return {version: said(rows) for version, rows in found.items()}

    async def _refuse_delete(self, subject: str) -> None:
        refusal = self._governed.change_refused(subject)
        if refusal is not None:
            raise refusal
        await self._scopes.refuse_read_only(subject)

    async def _refuse_referred(self, versions: Sequence[SchemaVersion]) -> None:
        going = {(one.subject, one.version) for one in versions}
        for one in versions:
            referring = [
                other
                for other in await self._store.referrers(one.subject, one.version)
                if not other.deleted and (other.subject, other.version) not in going
            ]
            if referring:
                named = ", ".join(f"{other.subject} version {other.version}" for other in referring[:5])
                raise REFERENCE_EXISTS(one.subject, one.version, named)

    async def _forget_settings(
        self, subject: str, every: Sequence[SchemaVersion], going: Sequence[SchemaVersion]
    ) -> None:
        """With its last live version a subject loses its settings, as in the Confluent registry.

        They are writes of their own: a crash in between leaves settings behind, which do no harm.
        """
        if any(not one.deleted and one not in going for one in every):
            return
        await self._scopes.forget(subject)
