"""SchemaStore in plain memory: for tests, and as the reference of the semantics."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from interlock.model.problems import BusinessConflict, StaleRead
from interlock.ports.schema_store import SchemaContent, SchemaVersion, SettingKind


class MemorySchemas:
    """Nothing awaits within a write, so each is atomic on its event loop."""

    def __init__(self) -> None:
        self._revision = 0
        self._ids: dict[tuple[str, SchemaContent], int] = {}
        self._highest: dict[str, int] = {}
        self._newest: dict[str, int] = {}
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
        return self._highest.get(context, 0)

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
        for one in await self.versions(subject):
            if one.content == content and not one.deleted and version in (None, one.version):
                return one
        number = self._id(context, content, schema_id)
        place = version or self._newest.get(subject, 0) + 1
        if (subject, place) in self._versions or (version is None and place <= self._newest.get(subject, 0)):
            raise BusinessConflict(f"{subject} has a version {place} already.")
        self._ids[context, content] = number
        self._highest[context] = max(number, self._highest.get(context, 0))
        self._newest[subject] = max(place, self._newest.get(subject, 0))
        self._contexts[subject] = context
        added = self._versions[subject, place] = SchemaVersion(subject, place, number, content)
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

    async def set(self, kind: SettingKind, scope: str, value: str | None, seen: int) -> None:
        self._checked(seen)
        self._settings.pop((kind, scope), None)
        if value is not None:
            self._settings[kind, scope] = value
        self._revision += 1

    async def close(self) -> None:
        """Nothing is open."""

    def _id(self, context: str, content: SchemaContent, wanted: int | None) -> int:
        known = self._ids.get((context, content))
        if wanted is None:
            return known if known is not None else self._highest.get(context, 0) + 1
        taken = any(number == wanted and where == context for (where, _), number in self._ids.items())
        if (known is not None and known != wanted) or (known is None and taken):
            raise BusinessConflict(f"The id {wanted} and this content are not free for each other.")
        return wanted

    def _checked(self, seen: int) -> None:
        if seen != self._revision:
            raise StaleRead("The registry has changed since it was read.")

    def _where(self, wanted: Callable[[SchemaVersion], bool]) -> list[SchemaVersion]:
        return [one for _, one in sorted(self._versions.items()) if wanted(one)]
