"""`interlock new version`: what it makes passes every check untouched."""

from __future__ import annotations

import json
from datetime import date

import pytest

from interlock.estate.loader import examine
from interlock.estate.new_version import make_version

from .conftest import ORDER, TODAY, Shop

API = {
    "openapi": "3.1.0",
    "info": {"title": "Shop", "version": "1.0.0"},
    "x-interlock": {"owner": "team-orders"},
    "paths": {"/v1/state": {"get": {"operationId": "state", "responses": {"200": {"description": "It."}}}}},
}


@pytest.mark.parametrize(("level", "number"), [("patch", "1.0.1"), ("minor", "1.1.0"), ("major", "2.0.0")])
def test_an_event(shop: Shop, level: str, number: str) -> None:
    made = make_version(shop.root, "orders.OrderPlaced", level, TODAY)  # type: ignore[arg-type]
    assert made.file == f"{ORDER}/{number}.json"
    assert (shop.root / made.file).read_bytes() == (shop.root / ORDER / "1.0.0.json").read_bytes()
    assert made.plan is (level == "major")
    assert shop.check() == {}


def test_a_major_plans_the_end_of_the_old_one_after_the_notice(shop: Shop) -> None:
    shop.append("interlock.toml", "\n[contracts]\nsunset_notice_days = 200\n")
    make_version(shop.root, "orders.OrderPlaced", "major", TODAY)
    [plan] = examine(shop.root).estate.plans.values()
    assert (plan.deprecated, plan.sunset, plan.successor) == (TODAY, date(2027, 6, 12), "2.0.0")
    assert plan.contact == "team-orders"
    make_version(shop.root, "orders.OrderPlaced", "major", TODAY)  # and so on: each old major once
    assert (shop.root / "deprecations.toml").read_text().count("[[deprecation]]") == 2
    assert shop.check() == {}


def test_an_api_says_its_version_and_a_major_has_paths_of_its_own(shop: Shop) -> None:
    shop.write("contracts/apis/shop/1.0.0.json", json.dumps(API, indent=2))
    assert shop.check().keys() == {"API_UNHANDLED"}
    make_version(shop.root, "apis/shop", "minor", TODAY)
    text = (shop.root / "contracts/apis/shop/1.1.0.json").read_text()
    assert text == json.dumps(API, indent=2).replace('"version": "1.0.0"', '"version": "1.1.0"')
    make_version(shop.root, "apis/shop", "major", TODAY)
    document = json.loads((shop.root / "contracts/apis/shop/2.0.0.json").read_text())
    assert document["info"]["version"] == "2.0.0"
    assert list(document["paths"]) == ["/v2/state"]
    assert shop.check().keys() == {"API_UNHANDLED"}
    assert set(examine(shop.root).estate.apis) == {"shop.state", "shop.v2.state"}


def test_the_same_path_in_two_majors_is_refused(shop: Shop) -> None:
    for version in ("1.0.0", "2.0.0"):
        document = {**API, "info": {"title": "Shop", "version": version}}
        shop.write(f"contracts/apis/shop/{version}.json", json.dumps(document))
    assert "shop.v2.state and shop.state are both served" in shop.check()["API_PATHS_COLLIDE"][0]["detail"]


def test_the_command(shop: Shop) -> None:
    where = ["--estate", str(shop.root)]
    code, out, _ = shop.run("new", "version", "orders.OrderPlaced", "--major", *where)
    assert (code, "orders.OrderPlaced 1.0.0 → 2.0.0" in out, "deprecations.toml" in out) == (0, True, True)
    code, _, err = shop.run("new", "version", "orders.OrderPlacd", *where)
    assert (code, "Did you mean orders.OrderPlaced?" in err) == (2, True)
