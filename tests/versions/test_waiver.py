"""Waivers: what one covers, until when, and what is wrong with a bad one."""

from __future__ import annotations

from datetime import date

import pytest

from interlock.contracts.waiver import Waivers

from .conftest import Shop, waiver

FILE = "contracts/events/orders/order_placed/1.0.0.json"


def test_the_place_is_a_file_a_pointer_or_a_glob() -> None:
    text = waiver("A_RULE", FILE) + waiver("B_RULE", f"{FILE}#/properties/a[0]") + waiver("C_RULE", "contracts/*")
    waivers = Waivers.parse(text)
    day = date(2026, 1, 1)
    assert waivers.covering("A_RULE", FILE, "/anything", day)
    assert not waivers.covering("A_RULE", FILE.replace("1.0.0", "1.0.1"), "", day)
    assert waivers.covering("B_RULE", FILE, "/properties/a[0]/type", day)
    assert not waivers.covering("B_RULE", FILE, "/properties/a[0]b", day)
    assert not waivers.covering("B_RULE", FILE, "/properties/a0", day)
    assert waivers.covering("C_RULE", FILE, "", day)
    assert not waivers.covering("D_RULE", FILE, "", day)
    assert waivers.unused() == ()


def test_the_last_day_is_the_day_of_expiry_and_a_start_ignores_it() -> None:
    waivers = Waivers.parse(waiver("A_RULE", FILE, expires="2027-01-31"))
    assert waivers.covering("A_RULE", FILE, "", date(2027, 1, 31))
    assert waivers.covering("A_RULE", FILE, "", date(2027, 2, 1)) is None
    assert waivers.covering("A_RULE", FILE, "", None)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (waiver("A_RULE", FILE).replace('reason = "Agreed in ORD-77."\n', ""), 2, "no reason"),
        (waiver("A_RULE", FILE).replace("2099-01-31", '"2099-01-31"'), 2, "no expires"),
        (waiver("A_RULE", FILE).replace("2099-01-31", "2099-01-31T00:00:00Z"), 2, "no expires"),
        (waiver("A_RULE", FILE) + "until = 1\n", 2, "no until"),
        (waiver("A rule", FILE), 2, "no rule's id"),
        ("\n\n[[waiver]\n", 3, "TOML is wrong"),
        ("[waiver]\nrule = 'A'\n", 1, "no list of tables"),
        ("waivers = 1\n", 1, "waivers is not known"),
    ],
)
def test_a_bad_one_says_where_and_what(text: str, line: int, said: str) -> None:
    waivers = Waivers.parse(text)
    assert waivers.all == ()
    assert [mistake.line for mistake in waivers.mistakes] == [line]
    assert said in waivers.mistakes[0].detail


def test_check_obeys_reports_and_counts_them(shop: Shop) -> None:
    place = "contracts/events/orders/place_order/1.0.0.json"
    text = (shop.root / FILE).read_text()
    (shop.root / place).parent.mkdir()
    (shop.root / place).write_text(text.replace('"OrderPlaced"', '"PlaceOrder"'))
    assert "EVENT_NAMED_AS_COMMAND" in shop.check()
    assert shop.run("generate", str(shop.root))[0] == 1
    shop.write("waivers.toml", waiver("EVENT_NAMED_AS_COMMAND", place) + waiver("CONTENT_MODEL_OPEN", FILE))
    assert shop.run("generate", str(shop.root))[0] == 0
    found = shop.check()
    assert "EVENT_NAMED_AS_COMMAND" not in found
    assert [one["line"] for one in found["WAIVER_UNUSED"]] == [9]
    code, out, _ = shop.run("check", str(shop.root))
    assert code == 0
    assert ", 1 waived, " in out


def test_an_expired_one_covers_nothing_and_fails_the_check(shop: Shop) -> None:
    (shop.root / FILE).write_text((shop.root / FILE).read_text().replace('"examples"', '"x-examples"'))
    shop.write("waivers.toml", waiver("EXAMPLE_MISSING", FILE, expires="2020-01-31"))
    assert {"EXAMPLE_MISSING", "WAIVER_EXPIRED"} <= shop.check().keys()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (waiver("SECRET_LITERAL", "systems/*"), "cannot be waived"),
        (waiver("DECISION_MISSING", "*"), "cannot be waived"),
        (waiver("EXAMPLE_MISSING", FILE, owner="team-ghost"), "team-ghost is not in owners.toml"),
    ],
)
def test_what_no_waiver_can_do(shop: Shop, text: str, said: str) -> None:
    shop.write("waivers.toml", text)
    assert said in shop.check()["WAIVER_INVALID"][0]["detail"]
