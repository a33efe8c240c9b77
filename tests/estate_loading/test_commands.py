"""check, generate and init, as a user meets them."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from interlock.cli.main import _carried_out
from interlock.contracts.strict_json import parse
from interlock.estate.loader import load

from .conftest import change

EVENT = "contracts/events/orders/order_placed/1.0.0.json"


def interlock(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "interlock.cli.main", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_init_makes_an_estate_that_passes_check(tmp_path: Path) -> None:
    made = interlock(tmp_path, "init", "shop")
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout == "created shop/: 1 event, 1 flow, 1 SLO, 1 runbook. Next: interlock dev\n"
    checked = interlock(tmp_path / "shop", "check")
    assert checked.returncode == 0
    assert re.fullmatch(r"no errors in 1 contract, \d+\.\d s\n", checked.stdout)
    assert interlock(tmp_path, "check", "shop").returncode == 0


def test_the_example_of_init_keeps_its_contract(shop: Path) -> None:
    event = parse((shop / "examples/order-placed.json").read_bytes(), 64)
    assert event["specversion"] == "1.0"
    assert all(event[name] for name in ("id", "source", "type"))
    load(shop).latest[event["type"]].check(event["data"])


@pytest.mark.parametrize("name", ["../x", "Shop", "a b", "", "-x", "/tmp/x"])
def test_init_refuses_what_is_no_name(tmp_path: Path, name: str) -> None:
    assert interlock(tmp_path, "init", "--", name).returncode == 2
    assert list(tmp_path.iterdir()) == []


def test_init_touches_nothing_that_exists(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    assert interlock(tmp_path, "init", "shop").returncode == 1
    assert list((tmp_path / "shop").iterdir()) == []


def test_check_prints_where_what_why_and_the_next_step(shop: Path) -> None:
    change(shop, EVENT, '{"x-interlock": {"owner": "team-x"}}')
    interlock(shop, "generate")
    change(shop, "owners.toml", "\n[team-x]\ncontact = 7\n")
    done = interlock(shop, "check")
    assert done.returncode == 1
    line = (shop / "owners.toml").read_text().split("\n").index("contact = 7") + 1
    expected = f"""owners.toml:{line}  SETTING_INVALID  error
   team-x.contact: Expected `str`, got `int`.
   Give a value within the bounds that docs/reference/settings.md states.
"""
    assert expected in done.stdout


def test_check_counts(shop: Path) -> None:
    change(shop, EVENT, '{"examples": null, "x-interlock": {"business_keys": ["/x"]}}')
    done = interlock(shop, "check")
    assert re.search(r"^3 errors in 1 of 1 contract and 1 other file, \d\.\d s$", done.stdout, re.MULTILINE)
    assert interlock(shop, "generate").returncode == 1


def test_check_speaks_json(shop: Path) -> None:
    change(shop, EVENT, '{"examples": null}')
    done = interlock(shop, "check", "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["errors"], document["estate"]) == (1, 2, "shop")
    assert {tuple(sorted(finding)) for finding in document["findings"]} == {
        ("code", "detail", "file", "line", "next_step", "pointer", "severity")
    }


def test_a_warning_alone_passes(shop: Path) -> None:
    from interlock.contracts.rule import BY_ID

    rule = BY_ID["API_UNHANDLED"]
    change(shop, rule.place, rule.bad)
    done = interlock(shop, "check")
    assert done.returncode == 0
    assert "API_UNHANDLED  warning" in done.stdout


def test_no_estate_is_exit_2(tmp_path: Path) -> None:
    for command in ("check", "generate"):
        done = interlock(tmp_path, command)
        assert (done.returncode, done.stdout) == (2, "")
        assert "interlock init" in done.stderr


def test_generate_mends_stale_models(shop: Path) -> None:
    change(shop, EVENT, '{"properties": {"channel": {"type": "string", "x-classification": "internal"}}}')
    assert interlock(shop, "check").returncode == 1
    assert interlock(shop, "generate").stdout == "wrote contracts/orders.py\n"
    assert interlock(shop, "check").returncode == 0
    assert interlock(shop, "generate").stdout == "up to date: 1 of 1\n"


def test_generate_takes_orphans_away_and_leaves_files_written_by_hand(shop: Path) -> None:
    (shop / "contracts/helpers.py").write_text("X = 1\n")
    (shop / "contracts/gone.py").write_text((shop / "contracts/orders.py").read_text())
    assert interlock(shop, "generate").stdout == "wrote contracts/gone.py\n"
    assert not (shop / "contracts/gone.py").exists()
    assert (shop / "contracts/helpers.py").exists()


@pytest.mark.parametrize(
    ("error", "code"),
    [(FileNotFoundError, 2), (IsADirectoryError, 2), (NotADirectoryError, 2), (PermissionError, 1), (OSError, 1)],
)
def test_a_wrong_argument_is_exit_2_and_a_failure_of_the_system_1(
    error: type[OSError], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(_: argparse.Namespace) -> int:
        raise error(1, "Said by the system", "shop/x.json")

    assert _carried_out(argparse.Namespace(run=run)) == code
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "Said by the system: shop/x.json"
    assert len(said) == 2
