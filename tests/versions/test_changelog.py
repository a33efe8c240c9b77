"""`interlock changelog`: from the version files and the plans alone."""

from __future__ import annotations

import json

from .conftest import Shop, optional, plan, required


def test_versions_newest_first_with_their_diff_and_the_roadmap(shop: Shop) -> None:
    shop.version("1.1.0", optional())
    shop.version("2.0.0", required(), of="1.1.0")
    shop.write("deprecations.toml", plan())
    code, out, _ = shop.run("changelog", "--estate", str(shop.root))
    assert code == 0
    assert out.splitlines() == [
        "orders.OrderPlaced",
        "   1.x: deprecated 2026-12-01, sunset 2099-06-01, then 2.0.0 (team-orders). The channel is needed.",
        "   2.0.0     major, breaking (BACKWARD) since 1.1.0",
        '             + required field "channel" (internal)',
        "   1.1.0     minor, compatible (BACKWARD) since 1.0.0",
        '             + optional field "gift_note" (internal)',
        "   1.0.0     first version",
    ]
    _, out, _ = shop.run("changelog", "orders.OrderPlaced", "--estate", str(shop.root), "--format", "markdown")
    assert "## orders.OrderPlaced" in out
    assert "### 1.1.0" in out
    _, out, _ = shop.run("changelog", "--estate", str(shop.root), "--json")
    [history] = json.loads(out)["contracts"]
    assert [entry["version"] for entry in history["entries"]] == ["2.0.0", "1.1.0", "1.0.0"]
    assert history["entries"][0]["findings"]
    assert history["endings"][0]["sunset"] == "2099-06-01"


def test_a_contract_that_is_not_there(shop: Shop) -> None:
    code, _, err = shop.run("changelog", "orders.Nothing", "--estate", str(shop.root))
    assert code == 2
    assert "There is: orders.OrderPlaced." in err
