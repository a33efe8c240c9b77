"""SchemaStore in plain memory: for tests, and as the reference of the semantics."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from interlock.model.problems import BusinessConflict, StaleRead
from interlock.ports.schema_store import SchemaContent, SchemaVersion, SettingKind


class MemorySchemas:
    """Nothing within a write suspends, so each is atomic on its event loop."""

    def __init__(self) -> None:
        self._revision = 0
        self._contents: dict[tuple[str, int], SchemaContent] = {}  # for ever: what an id stood for, it stands for
        self._contexts: dict[str, str] = {}
        self._versions: dict[tuple[str, int], SchemaVersion] = {}
        self._settings: dict[tuple[str, str], str] = {}

    async def revision(self) -> int:
        return self._revision

    async def versions(self, subject: str) -> list[SchemaVersion]:
        return self._where(lambda one: one.subject == subject)

    async def all_versions(self, prefix: str) -> list[SchemaVersion]:
        return self._where(lambda one: one.subject.startswith(prefix))

    async def subjects(self, prefix: str) -> dict[str, bool]:
        found: dict[str, bool] = {}
        for one in self._where(lambda one: one.subject.startswith(prefix)):
            found[one.subject] = found.get(one.subject, False) or not one.deleted
        return found

    async def content(self, context: str, schema_id: int) -> SchemaContent | None:
        found = await self.uses(context, schema_id)
        return found[0].content if found else None

    async def uses(self, context: str, schema_id: int) -> list[SchemaVersion]:
        return self._where(lambda one: one.id == schema_id and self._contexts[one.subject] == context)

    async def referrers(self, subject: str, version: int) -> list[SchemaVersion]:
        return self._where(
            lambda one: any(ref.subject == subject and ref.version == version for ref in one.content.references)
        )

    async def highest_id(self, context: str) -> int:
        return max((number for where, number in self._contents if where == context), default=0)

    async def add(
        self,
        context: str,
        subject: str,
        content: SchemaContent,
        seen: int,
        *,
        schema_id: int | None = None,
        version: int | None = None,
    ) -> SchemaVersion:
        self._checked(seen)
        every = await self.versions(subject)
        for one in reversed(every):
            same = one.content.fingerprint == content.fingerprint and not one.deleted
            if same and version in (None, one.version) and schema_id in (None, one.id):
                return one
        number = await self._id(context, content, schema_id)
        place = version or max((one.version for one in every), default=0) + 1
        if any(one.version == place and not (one.deleted and schema_id) for one in every):
            raise BusinessConflict(f"{subject} has a version {place} already.")
        used = bool(await self.uses(context, number))
        kept = self._contents[context, number] if used else content
        self._contents[context, number] = kept
        self._contexts[subject] = context
        added = self._versions[subject, place] = SchemaVersion(subject, place, number, kept)
        self._revision += 1
        return added

    async def delete(self, subject: str, versions: Sequence[int], seen: int) -> None:
        self._checked(seen)
        for version in versions:
            self._versions[subject, version] = self._versions[subject, version]._replace(deleted=True)
        self._revision += 1

    async def erase(self, subject: str, versions: Sequence[int], seen: int) -> None:
        self._checked(seen)
        for version in versions:
            del self._versions[subject, version]
        self._revision += 1

    async def setting(self, kind: SettingKind, scope: str) -> str | None:
        return self._settings.get((kind, scope))

    async def settings(self, kind: SettingKind) -> dict[str, str]:
        return {scope: value for (one, scope), value in sorted(self._settings.items()) if one == kind}

    async def set(self, kind: SettingKind, scope: str, value: str | None, seen: int) -> None:
        self._checked(seen)
        self._settings.pop((kind, scope), None)
        if value is not None:
            self._settings[kind, scope] = value
        self._revision += 1

    async def close(self) -> None:
        """Nothing is open."""

    async def _id(self, context: str, content: SchemaContent, wanted: int | None) -> int:
        if wanted is None:
            known = [
                number
                for (where, number), one in self._contents.items()
                if where == context and one.fingerprint == content.fingerprint
            ]
            return min(known) if known else await self.highest_id(context) + 1
        stands = self._contents.get((context, wanted))
        if stands is not None and stands.fingerprint != content.fingerprint:
            raise BusinessConflict(f"The id {wanted} stands for another schema.")
        return wanted

    def _checked(self, seen: int) -> None:
        if seen != self._revision:
            raise StaleRead("The registry has changed since it was read.")

    def _where(self, wanted: Callable[[SchemaVersion], bool]) -> list[SchemaVersion]:
        return [one for _, one in sorted(self._versions.items()) if wanted(one)]
