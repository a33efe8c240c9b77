"""`interlock check` and `interlock up` judge settings alike: by one code, and at the ends of every bound."""

from __future__ import annotations

import asyncio
import typing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from interlock.app.process import Process
from interlock.contracts.rule import SYSTEM, SYSTEM_EXAMPLE
from interlock.edge.edge import Edge
from interlock.estate.loader import examine, load
from interlock.estate.setting_combinations import OWN_ADDRESSES
from interlock.estate.settings import Settings
from interlock.model.problems import EstateInvalid

from .conftest import change

WRONG = {
    'kind = "sqlite"\nlog = "kafka"': "needs its state on PostgreSQL",
    'kind = "memory"\nlog = "jetstream"': "needs its state on PostgreSQL",
    'schema = "pg_mine"': "PostgreSQL keeps that name",
    'path = "flows"': "is part of the estate itself",
    'path = "interlock.toml"': "is part of the estate itself",
    'path = "data/.."': "names a folder",
    'path = ".interlock/spans"\n[trace]\nfile = ".interlock/spans"': "are the same file",
    'kind = "memory"\n[trace]\nfile = "flows/spending.py"': "is part of the estate itself",
    "[registry]\nport = 8700": "registry.port and server.port are both 8700",
}


@pytest.mark.parametrize("lines", WRONG)
def test_what_up_would_refuse_check_finds_at_its_line(shop: Path, lines: str) -> None:
    change(shop, "interlock.toml", f"=[stores]\n{lines}\n")
    (found,) = examine(shop).errors
    assert (found.code, found.file) == ("SETTING_INVALID", "interlock.toml")
    assert WRONG[lines] in found.detail
    assert found.line > 1
    with pytest.raises(EstateInvalid, match=r"1 error in the estate"):
        load(shop)


def test_data_beside_the_files_of_the_estate_is_no_part_of_it(shop: Path) -> None:
    change(shop, "interlock.toml", '=[stores]\npath = "shop.db"\n[trace]\nfile = "spans.jsonl"\n')
    (shop / "shop.db").write_bytes(b"SQLite format 3\0")
    (shop / "spans.jsonl").write_text("{}\n")
    assert examine(shop).errors == ()


@pytest.mark.parametrize("address", ["/events", "/registry/subjects"])
def test_an_operation_where_the_engine_serves_something_else(shop: Path, address: str) -> None:
    change(shop, SYSTEM, SYSTEM_EXAMPLE)
    body = '{"application/json": {"schema": {"type": "object", "additionalProperties": false, "properties": {}}}}'
    change(
        shop,
        "contracts/apis/shop/1.0.0.json",
        '={"openapi": "3.1.0", "info": {"title": "Shop", "version": "1.0.0"}, "x-interlock": {"owner": "team-orders"}, '
        f'"security": [], "paths": {{"{address}": {{"post": {{"operationId": "importOrders", "requestBody": '
        f'{{"required": true, "content": {body}}}, "responses": {{"200": {{"description": "Done."}}}}}}}}}}}}',
    )
    found = [one for one in examine(shop).errors if one.code == "API_PATHS_COLLIDE"]
    assert [f"importOrders: POST {address} is an address of" in one.detail for one in found] == [True]


def extremes(model: type[msgspec.Struct], end: str) -> dict[str, Any]:
    """The least or the greatest value of each setting that has one; huge where there is no bound."""
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(model):
        kind = field.type
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            found[field.encode_name] = extremes(kind, end)
        elif typing.get_origin(kind) is not typing.Annotated or typing.get_args(kind)[0] not in (int, float):
            continue
        else:
            number, bounds = typing.get_args(kind)
            least = bounds.ge if bounds.ge is not None else 1e-9
            most = bounds.le if bounds.le is not None else 2**62
            found[field.encode_name] = number(least if end == "least" else most)
    return found


@pytest.mark.parametrize("end", ["least", "most"])
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_an_engine_starts_at_the_ends_of_all_bounds(shop: Path, end: str, kind: str) -> None:
    groups = extremes(Settings, end)
    groups["server"]["port"] = groups["registry"]["port"] = 0
    groups["workers"]["drain_seconds"] = 1.0
    groups["stores"]["kind"] = kind
    lines = [f"[{group}]" + "".join(f"\n{name} = {value!r}" for name, value in rows.items())
             for group, rows in groups.items() if rows]  # fmt: skip
    change(shop, "interlock.toml", "=" + "\n".join(lines).replace(f"'{kind}'", f'"{kind}"') + "\n")
    process = Process(load(shop))

    async def live() -> frozenset[tuple[str, str]]:
        await process.start()
        served = own(process.edge)
        await process.stop()
        return served

    assert asyncio.run(live()) == OWN_ADDRESSES


def own(edge: Edge) -> frozenset[tuple[str, str]]:
    found = {(method, path) for path, methods in edge.router._exact.items() for method in methods}
    return frozenset(one for one in found if one[0] != "HEAD")


@pytest.mark.parametrize("number", ["inf", "nan", "1e300"])
def test_no_time_is_without_end(shop: Path, number: str) -> None:
    names = [
        (group.name, field.encode_name)
        for group in msgspec.structs.fields(Settings)
        if isinstance(group.type, type) and issubclass(group.type, msgspec.Struct)
        for field in msgspec.structs.fields(group.type)
        if typing.get_origin(field.type) is typing.Annotated and typing.get_args(field.type)[0] is float
    ]
    change(shop, "interlock.toml", "=" + "".join(f"{group}.{name} = {number}\n" for group, name in names))
    assert len(names) > 8
    assert [one.code for one in examine(shop).errors] == ["SETTING_INVALID"] * len(names)


@pytest.mark.parametrize("line", ['server.host = "a\\u0000b"', 'stores.path = "a\\u0000"', 'trace.file = "\\u0000"'])
def test_no_name_holds_a_zero_byte(shop: Path, line: str) -> None:
    change(shop, "interlock.toml", f"={line}\n")
    assert [one.code for one in examine(shop).errors] == ["SETTING_INVALID"]
