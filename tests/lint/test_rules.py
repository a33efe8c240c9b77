"""Each rule is executed by the command: its bad example is found where it stands, its good one passes every rule."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from estate_loading.conftest import change

from interlock.contracts.lint.rules import LINT_BY_ID, LINT_RULES
from interlock.contracts.lint.samples import ASYNCAPI

from .conftest import Desk


def lint(desk: Desk, place: str) -> list[dict[str, str]]:
    """Of the file alone; AsyncAPI documents are no part of an estate, so that one stands beside it."""
    path = f"shop/{place}"
    if place == ASYNCAPI:
        Path("shop").joinpath(ASYNCAPI).rename(ASYNCAPI)
        path = ASYNCAPI
    found: list[dict[str, str]] = desk.document(path)["findings"]
    return found


def test_the_sound_contracts_pass_every_rule(shop: Desk) -> None:
    for place in {rule.place for rule in LINT_RULES}:
        assert lint(shop, place) == []


@pytest.mark.parametrize("code", LINT_BY_ID)
def test_the_bad_example_is_found_where_it_stands(code: str, shop: Desk) -> None:
    rule = LINT_BY_ID[code]
    change(shop.root / "shop", rule.place, rule.bad)
    mine = [one for one in lint(shop, rule.place) if one["rule"] == code]
    assert mine
    assert len({(one["path"], one["message"]) for one in mine}) == len(mine)
    for one in mine:
        assert one["severity"] == rule.severity or (rule.governed and one["severity"] == "warning")
        assert one["message"].endswith((".", "?")) or one["message"].rstrip('"') != one["message"]
        assert re.search(r"\w", one["fix"])
        text = Path(one["file"]).read_text().split("\n")[int(one["line"]) - 1]
        last = one["path"].rpartition("/")[2].replace("~1", "/").replace("~0", "~")
        assert not last or last.isdecimal() or f'"{last}"' in text or not _is_there(one)


def _is_there(finding: dict[str, str]) -> bool:
    """What is missing has the line of its owner."""
    import json

    from interlock.contracts import pointer

    document = json.loads(Path(finding["file"]).read_text())
    return pointer.find(document, pointer.split(finding["path"])) is not pointer.ABSENT


@pytest.mark.parametrize("code", LINT_BY_ID)
def test_the_good_example_passes(code: str, shop: Desk) -> None:
    rule = LINT_BY_ID[code]
    change(shop.root / "shop", rule.place, rule.good)
    assert [one for one in lint(shop, rule.place) if one["rule"] == code] == []


def test_there_are_rules_for_every_kind_of_contract() -> None:
    assert len(LINT_RULES) == len(LINT_BY_ID) >= 100
    kinds = {kind for rule in LINT_RULES for kind in rule.on}
    assert {"OpenAPI", "AsyncAPI", "Operation", "Message", "Channel", "Schema", "Parameter", "Server"} <= kinds


@pytest.mark.parametrize("code", LINT_BY_ID)
def test_a_rule_reads_well_and_is_explained(code: str, desk: Desk) -> None:
    rule = LINT_BY_ID[code]
    assert re.fullmatch(r"[A-Z0-9]+(_[A-Z0-9]+)+", rule.id)
    assert rule.purpose.endswith(".")
    assert rule.fix.endswith((".", "}", "--fix", "items."))
    assert rule.source
    code_, out, _ = desk.run("--explain", code.lower())
    assert code_ == 0
    assert all(text in out for text in (rule.id, rule.purpose, rule.fix, rule.source, rule.severity))
