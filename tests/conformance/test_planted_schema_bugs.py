"""Tests of the tests: a registry store with a planted bug fails at the check that is there for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from interlock.adapters.memory_schemas import MemorySchemas
from interlock.ports.schema_store import SchemaContent, SchemaStore, SchemaVersion
from interlock.testing.schema_conformance import SCHEMA_CHECKS


class Harness:
    durable = False

    def __init__(self, make: type[MemorySchemas]) -> None:
        self._schemas = make()

    async def open(self) -> SchemaStore:
        return self._schemas

    async def reopen(self) -> SchemaStore:
        raise AssertionError("memory is not durable")

    async def second(self) -> SchemaStore:
        return self._schemas

    async def close(self) -> None:
        await self._schemas.close()


class ComparesTexts(MemorySchemas):
    async def add(self, context: str, subject: str, content: SchemaContent, seen: int, **more: Any) -> SchemaVersion:
        content = content._replace(fingerprint=content.text.encode() + content.type.encode())
        return await super().add(context, subject, content, seen, **more)


class GivesEachANewId(MemorySchemas):
    async def _id(self, context: str, content: SchemaContent, wanted: int | None) -> int:
        return wanted or await self.highest_id(context) + 1


class OneNumberingForAllContexts(MemorySchemas):
    async def highest_id(self, context: str) -> int:
        return max((number for _, number in self._contents), default=0)


class ForgetsIds(MemorySchemas):
    """Counts on from what is in use."""

    async def highest_id(self, context: str) -> int:
        return max((one.id for one in self._versions.values()), default=0)


class ForgetsWhatWasSoftlyDeleted(MemorySchemas):
    async def versions(self, subject: str) -> list[SchemaVersion]:
        return [one for one in await super().versions(subject) if not one.deleted]


class WritesUnseen(MemorySchemas):
    def _checked(self, seen: int) -> None:
        pass


class OverwritesIds(MemorySchemas):
    async def _id(self, context: str, content: SchemaContent, wanted: int | None) -> int:
        return wanted or await super()._id(context, content, wanted)


class ErasesAtOnce(MemorySchemas):
    async def delete(self, subject: str, versions: Sequence[int], seen: int) -> None:
        await self.erase(subject, versions, seen)


class KeepsTexts(MemorySchemas):
    async def content(self, context: str, schema_id: int) -> SchemaContent | None:
        return self._contents.get((context, schema_id))


class TakesPrefixesForPatterns(MemorySchemas):
    async def subjects(self, prefix: str) -> dict[str, bool]:
        found = await super().subjects("")
        return {name: live for name, live in found.items() if name.startswith(prefix.rstrip("_"))}


class MixesSettings(MemorySchemas):
    async def setting(self, kind: Any, scope: str) -> str | None:
        return await super().setting(kind, scope) or await super().setting(kind, "")


class ForgetsReferrers(MemorySchemas):
    async def referrers(self, subject: str, version: int) -> list[SchemaVersion]:
        return [one for one in await super().referrers(subject, version) if not one.deleted]


BUGS = {
    ComparesTexts: "the_fingerprint_alone_decides",
    GivesEachANewId: "one_content_has_one_id_in_all_subjects",
    OneNumberingForAllContexts: "contexts_number_by_themselves",
    ForgetsIds: "an_id_is_never_given_to_another_content",
    ForgetsWhatWasSoftlyDeleted: "the_next_version_is_above_all_that_are_kept",
    WritesUnseen: "a_write_on_what_has_changed_is_refused",
    OverwritesIds: "an_id_is_never_given_to_another_content",
    ErasesAtOnce: "deleted_versions_stay_to_be_asked_for",
    KeepsTexts: "a_text_goes_with_its_last_version",
    TakesPrefixesForPatterns: "subjects_are_listed_by_prefix_as_text",
    MixesSettings: "settings_are_kept_by_kind_and_scope",
    ForgetsReferrers: "a_version_knows_who_refers_to_it",
}


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
async def test_the_bug_is_found(bug: type[MemorySchemas]) -> None:
    failed = []
    for check in SCHEMA_CHECKS:
        if not check.durable:
            try:
                await check.run(Harness(bug))
            except Exception:
                failed.append(str(check))
    assert BUGS[bug] in failed


async def test_without_a_bug_nothing_fails() -> None:
    for check in SCHEMA_CHECKS:
        if not check.durable:
            await check.run(Harness(MemorySchemas))
