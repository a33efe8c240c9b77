"""Each kind of wrong book is found: a reconciler that cannot say no proves nothing."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

import commerce.conftest  # noqa: F401 - makes `estate` importable
from commerce.estate_simulation import simulate
from commerce.places import ROOT
from demo.generator import write
from demo.reconciler.__main__ import reconcile, summary

PLANTED = {
    "double charge": ("payments", "INSERT INTO entries SELECT NULL, 'other', webhook, kind, order_id, reference,"
                      " amount, at FROM entries WHERE kind = 'charge' LIMIT 1", "charged_once"),
    "lost charge": ("payments", "DELETE FROM entries WHERE kind = 'charge' AND number % 7 = 0", "charged_once"),
    "a penny": ("payments", "UPDATE entries SET amount = '999999.99' WHERE number = 1", "charged_amount"),
    "key used twice": ("payments", "UPDATE entries SET key = (SELECT key FROM entries WHERE number = 1)"
                       " WHERE kind = 'charge'", "key_twice"),
    "lost refund": ("payments", "DELETE FROM entries WHERE kind = 'refund' AND reference LIKE 'C%'", "refunds"),
    "half a shortage refund": ("payments", "UPDATE entries SET amount = '0.01' WHERE reference = 'shortage'",
                               "shortage_refund"),
    "double shipment": ("warehouse", "INSERT INTO entries SELECT NULL, 'other', webhook, kind, order_id, reference,"
                        " amount, at FROM entries LIMIT 1", "shipped_once"),
    "too many pieces": ("warehouse", "UPDATE entry_lines SET quantity = quantity + 100000", "oversold"),
    "one piece less": ("warehouse", "UPDATE entry_lines SET quantity = quantity - 1 WHERE quantity > 1",
                       "shipped_quantities"),
    "shorted but shipped": ("warehouse", "UPDATE entries SET order_id = 'SHORTED' WHERE number = 1",
                            "unwanted_shipment"),
    "stranger": ("warehouse", "UPDATE entries SET order_id = '1' WHERE number = 1", "unknown_order"),
    "no invoice": ("finance", "DELETE FROM entries WHERE kind = 'invoice' AND number % 5 = 0", "invoiced_once"),
    "wrong credit": ("finance", "UPDATE entries SET amount = '0.01' WHERE kind = 'credit'", "credits"),
}  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    write(folder / "orders.csv", 2, 250)
    simulate(folder / "orders.csv", folder, 2)
    return folder


def copy(finished: Path, folder: Path) -> Path:
    for file in finished.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def judge(folder: Path) -> dict[str, list[str]]:
    result = summary(*reconcile(folder / "orders.csv", folder, folder / "stock.json", folder / "dlq.json"))
    differences: dict[str, list[str]] = result["differences"]
    assert result["agrees"] == (not differences)
    return differences


@pytest.mark.parametrize("name", PLANTED)
def test_planted_difference_is_found(name: str, finished: Path, tmp_path: Path) -> None:
    folder = copy(finished, tmp_path)
    system, statement, kind = PLANTED[name]
    shorted = (
        sqlite3.connect(folder / "payments.db")
        .execute("SELECT order_id FROM entries WHERE reference = 'shortage' LIMIT 1")
        .fetchone()[0]
    )
    with sqlite3.connect(folder / f"{system}.db") as database:
        database.execute(statement.replace("SHORTED", shorted))
    database.close()
    assert kind in judge(folder)


def test_a_needless_shortage_is_found(finished: Path, tmp_path: Path) -> None:
    folder = copy(finished, tmp_path)
    stock = json.loads((folder / "stock.json").read_text())
    (folder / "stock.json").write_text(json.dumps({sku: units + 10_000 for sku, units in stock.items()}))
    assert set(judge(folder)) == {"needless_shortage"}


def test_dead_letters_are_compared_by_reason_and_by_row(finished: Path, tmp_path: Path) -> None:
    folder = copy(finished, tmp_path)
    letters = json.loads((folder / "dlq.json").read_text())
    (folder / "dlq.json").write_text(json.dumps(letters[1:]))
    assert len(judge(folder)["dead_letters"]) == 2
    letters[0]["detail"] += "9"
    (folder / "dlq.json").write_text(json.dumps(letters))
    assert len(judge(folder)["dead_letters"]) == 2
    (folder / "dlq.json").write_text(json.dumps([*letters[1:], {"reason": "handler_failed", "detail": ""}]))
    assert any("handler_failed" in text for text in judge(folder)["dead_letters"])


def test_exit_codes(finished: Path, tmp_path: Path) -> None:
    folder = copy(finished, tmp_path)
    command = [sys.executable, "-m", "demo.reconciler", "--orders", str(folder / "orders.csv"), "--books", str(folder)]
    command += ["--stock", str(folder / "stock.json"), "--dead-letters", str(folder / "dlq.json")]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 0
    (folder / "stock.json").write_text("{}")
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 1
    (folder / "finance.db").unlink()
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 2


def test_the_reconciler_imports_none_of_what_it_judges() -> None:
    probe = (
        "import sys, demo.reconciler.__main__; print([m for m in sys.modules if m.startswith(('interlock', 'estate',"
        " 'demo.'))])"
    )
    out = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "demo.reconciler.verdict" in out
    assert "interlock" not in out
    assert "estate" not in out
    assert not [name for name in eval(out) if name.startswith("demo.") and not name.startswith("demo.reconciler")]
