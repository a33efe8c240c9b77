"""Settings: documented, bounded, hashed; the reference pages are what the tables say."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from interlock.estate.loader import examine, load
from interlock.estate.reference import pages, settings
from interlock.estate.settings import Settings

from .conftest import change

REFERENCE = Path(__file__).parents[2] / "docs/reference"


def test_every_setting_is_documented() -> None:
    found = list(settings())
    assert len(found) > 20
    assert [setting.id for setting in found if not setting.doc.endswith(".")] == []


@pytest.mark.parametrize("page", ["settings.md", "rules.md"])
def test_the_reference_is_what_the_tables_say(page: str) -> None:
    made = pages()[page]
    assert (REFERENCE / page).read_text() == made, "run: python -m interlock.estate.reference docs/reference"


def test_every_default_is_within_its_own_bounds() -> None:
    assert msgspec.convert(msgspec.to_builtins(Settings()) | {"estate": {}}, Settings) == Settings()


def test_every_bad_setting_is_reported_and_the_good_ones_hold(shop: Path) -> None:
    change(
        shop,
        "interlock.toml",
        '\n[limits]\nheaders = "many"\nbatch_events = 7\n[trace]\nsample_ratio = 2\n[colours]\nred = 1\n',
    )
    examination = examine(shop)
    rows = (shop / "interlock.toml").read_text().split("\n")
    found = {(finding.code, rows[finding.line - 1]) for finding in examination.errors}
    assert found == {
        ("SETTING_INVALID", 'headers = "many"'),
        ("SETTING_INVALID", "sample_ratio = 2"),
        ("SETTING_UNKNOWN", "[colours]"),
    }
    assert examination.estate.settings.limits.batch_events == 7


def test_the_hash_follows_the_values(shop: Path) -> None:
    before = load(shop).settings.hash
    change(shop, "interlock.toml", "\n# a remark\n[limits]\nheaders = 64\n")
    assert load(shop).settings.hash == before
    change(shop, "interlock.toml", "header_bytes = 9\n")
    assert load(shop).settings.hash != before


def test_the_name_falls_back_on_the_folder(shop: Path) -> None:
    change(shop, "interlock.toml", "=")
    assert load(shop).name == "shop"
