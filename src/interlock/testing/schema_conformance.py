"""The promises of `ports.schema_store.SchemaStore`, one check each, for any back end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from interlock.model.problems import BusinessConflict, Problem, StaleRead
from interlock.ports.schema_store import Reference, SchemaContent, SchemaStore, SchemaVersion

CONTEXT = "."
ORDER = SchemaContent("JSON", '{"type":"object"}', b"order")
NUMBER = SchemaContent("JSON", '{"type":"number"}', b"number")
AVRO = SchemaContent("AVRO", '"string"', b"avro")


class SchemaHarness(Protocol):
    """One fresh back end. `second` opens the same store beside the first, as another process would."""

    durable: bool

    async def open(self) -> SchemaStore: ...

    async def reopen(self) -> SchemaStore: ...

    async def second(self) -> SchemaStore: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class SchemaCheck:
    """One promise, proven on one fresh store; `durable` ones only where the back end keeps anything."""

    promise: str
    body: Callable[[SchemaHarness], Awaitable[None]]
    durable: bool = False

    def __str__(self) -> str:
        return self.body.__name__

    async def run(self, harness: SchemaHarness) -> None:
        try:
            await self.body(harness)
        finally:
            await harness.close()


SCHEMA_CHECKS: list[SchemaCheck] = []
Body = Callable[[SchemaHarness], Awaitable[None]]


def proves(promise: str, durable: bool = False) -> Callable[[Body], Body]:
    def add(body: Body) -> Body:
        SCHEMA_CHECKS.append(SchemaCheck(promise, body, durable))
        return body

    return add


async def added(
    store: SchemaStore,
    subject: str,
    content: SchemaContent,
    *,
    context: str = CONTEXT,
    schema_id: int | None = None,
    version: int | None = None,
) -> SchemaVersion:
    seen = await store.revision()
    return await store.add(context, subject, content, seen, schema_id=schema_id, version=version)


async def gone(store: SchemaStore, subject: str, *versions: int) -> None:
    """Deleted for good, as the registry does it: softly first."""
    await store.delete(subject, versions, await store.revision())
    await store.erase(subject, versions, await store.revision())


async def conflicts(store: SchemaStore, subject: str, content: SchemaContent, schema_id: int, version: int) -> bool:
    try:
        await added(store, subject, content, schema_id=schema_id, version=version)
    except BusinessConflict:
        return True
    return False


@proves("one content one id")
async def one_content_has_one_id_in_all_subjects(harness: SchemaHarness) -> None:
    store = await harness.open()
    first = await added(store, "a", ORDER)
    other = await added(store, "a", NUMBER)
    assert (first.id, first.version, other.id, other.version) == (1, 1, 2, 2)
    assert await added(store, "b", ORDER) == SchemaVersion("b", 1, 1, ORDER)
    assert await store.uses(CONTEXT, 1) == [first, SchemaVersion("b", 1, 1, ORDER)]
    assert await store.content(CONTEXT, 2) == NUMBER


@proves("one content one id")
async def the_fingerprint_alone_decides(harness: SchemaHarness) -> None:
    store = await harness.open()
    spelt = ORDER._replace(text='{ "type": "object" }')
    described = ORDER._replace(fingerprint=b"described", references=(Reference("x", "a", 1),), metadata="{}")
    assert [(await added(store, "a", one)).id for one in (ORDER, spelt, described)] == [1, 1, 2]
    assert (await added(store, "b", spelt)).content == ORDER
    assert [one.content for one in await store.versions("a")] == [ORDER, described]


@proves("one content one id")
async def contexts_number_by_themselves(harness: SchemaHarness) -> None:
    store = await harness.open()
    await added(store, "a", ORDER)
    assert (await added(store, ":.x:a", NUMBER, context=".x")).id == 1
    assert (await store.content(CONTEXT, 1), await store.content(".x", 1)) == (ORDER, NUMBER)
    assert (await store.highest_id(CONTEXT), await store.highest_id(".y")) == (1, 0)


@proves("one content one id")
async def a_content_deleted_for_good_gets_its_id_back(harness: SchemaHarness) -> None:
    store = await harness.open()
    await added(store, "a", ORDER._replace(metadata="{}"))
    await gone(store, "a", 1)
    assert await store.content(CONTEXT, 1) is None
    await added(store, "a", NUMBER)
    again = await added(store, "b", ORDER._replace(metadata="{}"))
    assert again.id == 1
    assert await store.content(CONTEXT, 1) == ORDER._replace(metadata="{}")


@proves("one content one id")
async def an_import_may_give_a_content_further_ids(harness: SchemaHarness) -> None:
    store = await harness.open()
    await added(store, "a", ORDER, schema_id=100, version=1)
    assert (await added(store, "a", ORDER, schema_id=200, version=2))[1:3] == (2, 200)
    assert (await added(store, "b", ORDER)).id == 100
    assert [one.id for one in await store.versions("a")] == [100, 200]
    assert await store.content(CONTEXT, 200) == ORDER


@proves("ids never reused")
async def an_id_is_never_given_to_another_content(harness: SchemaHarness) -> None:
    store = await harness.open()
    await added(store, "a", ORDER)
    await gone(store, "a", 1)
    assert (await added(store, "a", NUMBER)).id == 2
    assert await conflicts(store, "b", AVRO, 1, 1)


@proves("versions rise")
async def the_next_version_is_above_all_that_are_kept(harness: SchemaHarness) -> None:
    store = await harness.open()
    for content in (ORDER, NUMBER):
        await added(store, "a", content)
    await store.delete("a", [2], await store.revision())
    assert (await added(store, "a", NUMBER)).version == 3
    await gone(store, "a", 3)
    assert (await added(store, "a", AVRO)).version == 3
    await gone(store, "a", 1, 2, 3)
    assert await store.subjects("") == {}
    assert (await added(store, "a", ORDER)).version == 1


@proves("checked writes")
async def a_write_on_what_has_changed_is_refused(harness: SchemaHarness) -> None:
    store = await harness.open()
    seen = await store.revision()
    await added(store, "a", ORDER)
    writes = [
        store.add(CONTEXT, "a", NUMBER, seen),
        store.delete("a", [1], seen),
        store.erase("a", [1], seen),
        store.set("config", "", "{}", seen),
    ]
    outcomes = await asyncio.gather(*writes, return_exceptions=True)
    assert [type(one) for one in outcomes] == [StaleRead] * 4
    assert await store.versions("a") == [SchemaVersion("a", 1, 1, ORDER)]
    assert await store.setting("config", "") is None


@proves("checked writes")
async def of_two_writers_at_once_one_is_refused(harness: SchemaHarness) -> None:
    stores = [await harness.open(), await harness.second()]
    seen = [await store.revision() for store in stores]
    assert seen[0] == seen[1]
    both = [store.add(CONTEXT, "a", one, seen[0]) for store, one in zip(stores, (ORDER, NUMBER), strict=True)]
    outcomes = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(isinstance(one, StaleRead) for one in outcomes) == [False, True], outcomes
    assert len(await stores[0].versions("a")) == 1


@proves("atomic")
async def a_refused_write_leaves_nothing(harness: SchemaHarness) -> None:
    store = await harness.open()
    await added(store, "a", ORDER)
    before = await store.revision()
    assert await conflicts(store, "a", NUMBER, 9, 1)
    assert await conflicts(store, "b", NUMBER, 1, 1)
    assert await store.revision() == before
    assert await store.highest_id(CONTEXT) == 1
    assert await store.subjects("") == {"a": True}


@proves("atomic", durable=True)
async def what_was_written_survives_a_reopening(harness: SchemaHarness) -> None:
    store = await harness.open()
    referring = SchemaContent("JSON", '{"$ref":"x"}', b"referring", (Reference("x", "a", 1),), '{"tags":{}}')
    for content in (ORDER, referring):
        await added(store, "a", content)
    await store.delete("a", [1], await store.revision())
    await store.set("mode", "a", '"READONLY"', await store.revision())
    revision = await store.revision()
    again = await harness.reopen()
    assert await again.versions("a") == [SchemaVersion("a", 1, 1, ORDER, True), SchemaVersion("a", 2, 2, referring)]
    assert await again.setting("mode", "a") == '"READONLY"'
    assert await again.revision() == revision


@proves("soft before hard")
async def deleted_versions_stay_to_be_asked_for(harness: SchemaHarness) -> None:
    store = await harness.open()
    for content in (ORDER, NUMBER):
        await added(store, "a", content)
    await store.delete("a", [1], await store.revision())
    assert [one.deleted for one in await store.versions("a")] == [True, False]
    assert await store.subjects("") == {"a": True}
    await store.delete("a", [2], await store.revision())
    assert await store.subjects("") == {"a": False}
    assert await store.content(CONTEXT, 1) == ORDER
    await store.erase("a", [1], await store.revision())
    assert await store.content(CONTEXT, 1) is None
    assert [one.version for one in await store.versions("a")] == [2]


@proves("soft before hard")
async def a_text_goes_with_its_last_version(harness: SchemaHarness) -> None:
    store = await harness.open()
    for subject in "ab":
        await added(store, subject, ORDER)
    await gone(store, "a", 1)
    assert await store.content(CONTEXT, 1) == ORDER
    await gone(store, "b", 1)
    assert await store.content(CONTEXT, 1) is None


@proves("add")
async def a_live_content_stays_the_version_it_is(harness: SchemaHarness) -> None:
    store = await harness.open()
    first = await added(store, "a", ORDER)
    await added(store, "a", NUMBER)
    assert await added(store, "a", ORDER) == first
    await store.delete("a", [1], await store.revision())
    assert (await added(store, "a", ORDER))[1:3] == (3, 1)


@proves("add")
async def an_import_gives_its_own_numbers(harness: SchemaHarness) -> None:
    store = await harness.open()
    assert (await added(store, "a", ORDER, schema_id=41, version=7))[1:3] == (7, 41)
    assert (await added(store, "a", NUMBER))[1:3] == (8, 42)
    assert (await added(store, "a", AVRO, schema_id=3, version=2))[1:3] == (2, 3)
    assert await store.highest_id(CONTEXT) == 42
    assert [one.version for one in await store.versions("a")] == [2, 7, 8]


@proves("add")
async def an_import_takes_the_place_of_what_was_deleted_softly(harness: SchemaHarness) -> None:
    store = await harness.open()
    await added(store, "a", ORDER)
    assert await conflicts(store, "a", NUMBER, 2, 1)
    await store.delete("a", [1], await store.revision())
    assert (await added(store, "a", NUMBER, schema_id=2, version=1))[1:3] == (1, 2)
    assert await store.versions("a") == [SchemaVersion("a", 1, 2, NUMBER)]
    assert await store.content(CONTEXT, 1) is None
    assert await conflicts(store, "a", AVRO, 1, 2)


@proves("referrers")
async def a_version_knows_who_refers_to_it(harness: SchemaHarness) -> None:
    store = await harness.open()
    await added(store, "a", ORDER)
    referring = SchemaContent("JSON", '{"$ref":"x"}', b"referring", (Reference("x", "a", 1),))
    found = await added(store, "b", referring)
    assert await store.referrers("a", 1) == [found]
    assert await store.referrers("a", 2) == []
    await store.delete("b", [1], await store.revision())
    assert await store.referrers("a", 1) == [found._replace(deleted=True)]
    await store.erase("b", [1], await store.revision())
    assert await store.referrers("a", 1) == []
    again = await added(store, "c", referring)
    assert await store.referrers("a", 1) == [again]


@proves("all_versions")
async def subjects_are_listed_by_prefix_as_text(harness: SchemaHarness) -> None:
    store = await harness.open()
    for subject in ("b%", "ab", "a_c", "a"):
        await added(store, subject, ORDER)
    assert list(await store.subjects("")) == ["a", "a_c", "ab", "b%"]
    assert list(await store.subjects("a_")) == ["a_c"]
    assert [one.subject for one in await store.all_versions("a")] == ["a", "a_c", "ab"]


@proves("set")
async def settings_are_kept_by_kind_and_scope(harness: SchemaHarness) -> None:
    store = await harness.open()
    for kind, scope in (("config", ""), ("config", "a"), ("mode", "a")):
        await store.set(kind, scope, f'"{kind} {scope}"', await store.revision())  # type: ignore[arg-type]
    await store.set("config", "a", None, await store.revision())
    assert await store.setting("config", "") == '"config "'
    assert await store.setting("config", "a") is None
    assert await store.setting("mode", "a") == '"mode a"'
    await store.set("config", "b", "{}", await store.revision())
    assert await store.settings("config") == {"": '"config "', "b": "{}"}


@proves("one content one id")
async def racing_registrations_of_one_content_give_one_id(harness: SchemaHarness) -> None:
    stores = [await harness.open(), await harness.second()]

    async def register(store: SchemaStore) -> int:
        for _ in range(200):
            try:
                return (await added(store, "a", ORDER)).id
            except StaleRead:
                await asyncio.sleep(0)
        raise Problem("never got through")

    ids = await asyncio.gather(*(register(stores[number % 2]) for number in range(50)))
    assert set(ids) == {1}
    assert len(await stores[1].versions("a")) == 1
