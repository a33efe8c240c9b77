"""Findings that somebody has accepted for a time: rule, place, reason, owner, end."""

from __future__ import annotations

import json

import pytest

from diff_command.conftest import Desk, order
from versions.conftest import waiver

TEXT = {"type": "string"}
SHORT = {"type": "string", "maxLength": 5}


@pytest.fixture
def pair(desk: Desk) -> tuple[str, str]:
    return desk.put("old.json", order(a=TEXT, b=TEXT)), desk.put("new.json", order(a=SHORT, b=SHORT))


def test_what_is_waived_no_longer_breaks(desk: Desk, pair: tuple[str, str]) -> None:
    waivers = desk.put("waivers.toml", waiver("max-length-added", "new.json#/properties/*"))
    code, out, err = desk.run(*pair, "--json", "--waivers", waivers)
    answer = json.loads(out)
    assert (code, answer["verdict"], err) == (0, "compatible", "")
    assert {finding["waived"] for finding in answer["findings"] if finding["severity"] == "ERR"} == {
        "Agreed in ORD-77."
    }
    assert "2 waived" in desk.run(*pair, "--waivers", waivers)[1]


def test_the_others_still_do(desk: Desk, pair: tuple[str, str]) -> None:
    waivers = desk.put("waivers.toml", waiver("max-length-added", "new.json#/properties/a"))
    code, out, _ = desk.run(*pair, "--json", "--waivers", waivers)
    assert code == 1
    refused = [one["path"] for one in json.loads(out)["findings"] if one["severity"] == "ERR" and "waived" not in one]
    assert refused == ["/properties/b/maxLength"]


def test_an_expired_one_waives_nothing_and_is_named(desk: Desk, pair: tuple[str, str]) -> None:
    waivers = desk.put("waivers.toml", waiver("max-length-added", "*", expires="2020-01-31"))
    code, _, err = desk.run(*pair, "--waivers", waivers)
    assert code == 1
    assert err == "waivers.toml:2  The waiver of max-length-added for * ended on 2020-01-31.\n"


def test_places_are_seen_from_the_folder_of_the_file_as_in_an_estate(desk: Desk, pair: tuple[str, str]) -> None:
    old = desk.put("shop/contracts/1.json", order(a=TEXT))
    new = desk.put("shop/contracts/2.json", order(a=SHORT))
    waivers = desk.put("shop/waivers.toml", waiver("max-length-added", "contracts/2.json"))
    assert desk.run(old, new, "--waivers", waivers)[0] == 0
    assert desk.run(*pair, "--waivers", waivers)[0] == 1


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("[[waiver]\n", "waivers.toml:1"),
        (waiver("max-length-added", "*").replace("reason", "because"), "waivers.toml:2"),
        (waiver("max-length-added", "*").replace("2099-01-31", '"2099-01-31"'), "waivers.toml:2"),
    ],
)
def test_a_file_that_waives_nothing_is_refused(desk: Desk, pair: tuple[str, str], content: str, place: str) -> None:
    err = desk.refused(*pair, "--waivers", desk.put("waivers.toml", content))
    assert err.startswith(f"{place}  ")


def test_a_file_that_is_not_there(desk: Desk, pair: tuple[str, str]) -> None:
    assert desk.refused(*pair, "--waivers", "none.toml").startswith("none.toml  It cannot be read")


def test_a_rule_that_does_not_exist_is_refused(desk: Desk, pair: tuple[str, str]) -> None:
    err = desk.refused(*pair, "--waivers", desk.put("waivers.toml", waiver("max-lenght-added", "*")))
    assert err.startswith("waivers.toml:2  There is no rule max-lenght-added.\n   Did you mean max-length-added")
    for other in ("enum-symbol-added", "FIELD_UNCLASSIFIED", "VERSION_EDITED"):
        known = desk.run(*pair, "--waivers", desk.put("waivers.toml", waiver(other, "*")))
        assert (known[0], "Nothing here is waived by" in known[2]) == (1, True), known


def test_one_that_covers_nothing_is_named(desk: Desk, pair: tuple[str, str]) -> None:
    text = waiver("max-length-added", "new.json#/properties/a") + waiver("max-length-added", "other.json")
    code, _, err = desk.run(*pair, "--waivers", desk.put("waivers.toml", text))
    assert code == 1
    assert err.splitlines() == ["waivers.toml:9  Nothing here is waived by max-length-added for other.json."]
