"""A folder becomes one immutable object, or every mistake is said at once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from interlock.contracts.rule import BY_ID
from interlock.estate.estate import Estate
from interlock.estate.loader import examine, load
from interlock.estate.starter import write_starter
from interlock.model.problems import EstateInvalid
from interlock.model.retry import DELIVERY_DEFAULT

from .conftest import change

EVENT = "contracts/events/orders/order_placed/1.0.0.json"
SYSTEM = """=owner = "team-orders"
base_url = "https://pay.example.com/v1/"
secret = "env:PAY_SECRET"

[operations.charge]
path = "/charges"
timeout_seconds = 2
retry = { delays_seconds = [0.5, 2], jitter = 0.1 }

[operations.refund]
path = "/refunds"
method = "PUT"
"""


def test_the_starter_is_one_object(shop: Path) -> None:
    estate = load(shop)
    assert (estate.name, estate.environment, list(estate.flows)) == ("shop", "local", ["spending"])
    assert list(estate.contracts) == [("orders.OrderPlaced", "1.0.0")]
    assert estate.latest["orders.OrderPlaced"] is estate.contracts["orders.OrderPlaced", "1.0.0"]
    assert estate.store_path == shop / ".interlock/shop.db"
    assert estate.owners["team-orders"].contact == "mailto:orders@example.com"
    assert len(estate.hash) == 64
    spec = estate.flows["spending"].specs[0]
    assert (spec.subject, spec.model.__module__) == ("orders.OrderPlaced", f"{estate.package}.contracts.orders")  # type: ignore[union-attr]


def test_nothing_of_it_can_be_changed(shop: Path) -> None:
    estate = load(shop)
    with pytest.raises(AttributeError):
        estate.name = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        estate.flows["x"] = estate.flows["spending"]  # type: ignore[index]
    with pytest.raises(AttributeError):
        estate.settings.server.port = 1  # type: ignore[misc]


def test_every_mistake_is_reported_at_once_with_file_line_and_next_step(shop: Path) -> None:
    change(shop, EVENT, '{"properties": {"phone": {"type": "string"}}, "examples": [{}]}')
    change(shop, "interlock.toml", "\n[limits]\nbody_byte = 1\njson_depth = 0\n")
    change(shop, "systems/payments.toml", SYSTEM.replace("team-orders", "team-gone"))
    change(shop, "flows/broken.py", "=import os\n\n\ndef broken(:\n    pass\n")
    change(shop, "flows/raising.py", "=def dig():\n    return 1 // 0\n\n\nVALUE = dig()\n")
    change(
        shop,
        "flows/spending.py",
        '\n\n@flow.on("orders.OrderPlacd")\nasync def more(data, ctx):\n    ctx.call("payments.charg")\n',
    )
    with pytest.raises(EstateInvalid) as caught:
        load(shop)
    found = [(entry["file"], entry["code"]) for entry in caught.value.errors]
    assert set(found) >= {
        (EVENT, "FIELD_UNCLASSIFIED"),
        (EVENT, "EXAMPLE_INVALID"),
        ("contracts/orders.py", "STALE_MODELS"),
        ("interlock.toml", "SETTING_UNKNOWN"),
        ("interlock.toml", "SETTING_INVALID"),
        ("systems/payments.toml", "OWNER_UNKNOWN"),
        ("flows/broken.py", "FLOW_UNLOADABLE"),
        ("flows/raising.py", "FLOW_UNLOADABLE"),
        ("flows/spending.py", "UNKNOWN_EVENT_TYPE"),
        ("flows/spending.py", "UNKNOWN_OPERATION"),
    }
    for entry in caught.value.errors:
        row = (shop / entry["file"]).read_text().split("\n")[entry["line"] - 1]
        assert row.strip() or entry["code"] == "STALE_MODELS"
        assert entry["detail"].endswith((".", "?"))
        assert entry["next_step"]
    rows = {
        entry["code"]: (shop / entry["file"]).read_text().split("\n")[entry["line"] - 1]
        for entry in caught.value.errors
    }
    assert "phone" in rows["FIELD_UNCLASSIFIED"]
    assert "body_byte" in rows["SETTING_UNKNOWN"]
    assert "json_depth" in rows["SETTING_INVALID"]
    assert "team-gone" in rows["OWNER_UNKNOWN"]
    assert "OrderPlacd" in rows["UNKNOWN_EVENT_TYPE"]
    assert "payments.charg" in rows["UNKNOWN_OPERATION"]
    details = " ".join(entry["detail"] for entry in caught.value.errors)
    assert "Did you mean body_bytes?" in details
    assert "Did you mean charge?" in details
    assert "Did you mean orders.OrderPlaced?" in details


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("def broken(:\n    pass\n", 1),
        ("\nraise RuntimeError('boom')\n", 2),
        ("import sys\n\nsys.exit(3)\n", 3),
        ("import estate.contracts.nowhere\n", 1),
        ("from estate.contracts.orders import OrderLaunched\n", 1),
        ("x = '\0'\n", 1),
    ],
)
def test_what_goes_wrong_on_import_is_a_finding_not_a_traceback(shop: Path, code: str, line: int) -> None:
    change(shop, "flows/bad.py", "=" + code)
    errors = examine(shop).errors
    assert [(finding.file, finding.line) for finding in errors] == [("flows/bad.py", line)]


def test_an_error_deep_in_a_module_of_the_estate_is_reported_there(shop: Path) -> None:
    change(shop, "rules/money.py", "=RATE = 1\nTOTAL = RATE / 0\n")
    change(shop, "flows/uses.py", "=from estate.rules.money import TOTAL\n")
    assert [(finding.file, finding.line) for finding in examine(shop).errors] == [("rules/money.py", 2)]


def test_systems_are_read_whole(shop: Path) -> None:
    change(shop, "systems/payments.toml", SYSTEM)
    system = load(shop).systems["payments"]
    charge, refund = system.operations["charge"], system.operations["refund"]
    assert (system.base_url, system.secret_ref) == ("https://pay.example.com/v1", "env:PAY_SECRET")
    assert (charge.name, charge.method, charge.timeout_seconds) == ("payments.charge", "POST", 2.0)
    assert (charge.retry.delays_seconds, charge.retry.jitter) == ((0.5, 2), 0.1)
    assert (refund.method, refund.retry) == ("PUT", DELIVERY_DEFAULT)


def test_an_environment_moves_systems(shop: Path) -> None:
    change(shop, "systems/payments.toml", SYSTEM)
    change(shop, "interlock.toml", '\n[environments.test.systems.payments]\nbase_url = "http://127.0.0.1:9"\n')
    assert load(shop, "test").systems["payments"].base_url == "http://127.0.0.1:9"
    assert load(shop).systems["payments"].base_url == "https://pay.example.com/v1"
    assert load(shop, "test").operation("payments.charge") is not None
    with pytest.raises(EstateInvalid, match=r"environments\.nowhere"):
        load(shop, "nowhere")


def test_a_folder_without_the_marker_is_no_estate(tmp_path: Path) -> None:
    with pytest.raises(EstateInvalid, match="is no estate"):
        load(tmp_path)


def test_the_hash_follows_the_files_and_nothing_else(shop: Path, tmp_path: Path) -> None:
    write_starter(tmp_path / "elsewhere", "shop")
    before = load(shop).hash
    assert load(tmp_path / "elsewhere").hash == before
    (shop / ".interlock").mkdir()
    (shop / ".interlock/shop.db").write_bytes(b"x")
    assert load(shop).hash == before
    change(shop, "runbooks/spending.md", "more")
    assert load(shop).hash != before


def test_two_versions_of_an_estate_live_in_one_process(shop: Path) -> None:
    before = set(sys.modules)
    old = load(shop)
    change(shop, "rules/money.py", "=RATE = 2\n")
    change(
        shop,
        "flows/rates.py",
        "=import estate.rules.money\nfrom interlock import Flow\n\n"
        'flow = Flow(f"rate-{estate.rules.money.RATE}", owner="team-orders")\n',
    )
    new = load(shop)
    assert (list(old.flows), sorted(new.flows)) == (["spending"], ["rate-2", "spending"])
    assert model(old) is not model(new)
    added = sys.modules.keys() - before  # other tests may have made `estate` a module for themselves
    assert not {"estate.contracts", "estate.rules", "estate.flows"} & added
    data = {
        "order_id": "1",
        "customer_id": "2",
        "placed_at": "2026-01-01T00:00:00Z",
        "currency": "EUR",
        "total": "1",
        "lines": [{"sku": "A", "quantity": 1, "unit_price": "1"}],
    }
    for estate in (old, new):
        assert msgspec.convert(data, model(estate)).lines[0].sku == "A"


def test_loading_leaves_no_files_behind(shop: Path) -> None:
    before = sorted(shop.rglob("*"))
    load(shop)
    assert sorted(shop.rglob("*")) == before


def test_findings_in_apis_have_their_lines(shop: Path) -> None:
    document = """={
 "openapi": "3.1.0",
 "info": {"title": "Shop", "version": "1.0.1"},
 "x-interlock": {"owner": "team-orders"},
 "paths": {
  "/imports": {
   "post": {
    "operationId": "importOrders",
    "requestBody": {"content": {"application/json": {
     "schema": {"$ref": "#/components/schemas/Import"}}}}
   }
  }
 },
 "components": {"schemas": {"Import": {
  "type": "object",
  "additionalProperties": false,
  "properties": {
   "file": {"type": "string"},
   "rows": {"type": "nothing", "x-classification": "internal"}
  }
 }}}
}
"""
    change(shop, "contracts/apis/shop/1.0.0.json", document)
    found = {finding.code: finding.line for finding in examine(shop).errors if BY_ID[finding.code].needed}
    assert found == {"API_INVALID": 3, "FIELD_UNCLASSIFIED": 18, "SCHEMA_INVALID": 19}


def model(estate: Estate) -> Any:
    return estate.flows["spending"].specs[0].model
