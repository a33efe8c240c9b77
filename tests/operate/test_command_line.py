"""why, status and dlq as a person types them, on a real store file written by hand."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from interlock.adapters.sqlite import SqliteStore
from interlock.cli.main import main
from interlock.model.problems import BusinessConflict, NotFound, to_document
from operate.control_server import Answer, ControlServer
from operate.recording import FLOW, Recording
from operate.test_dead_letters import two_dead

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Two dead letters, a handling and a delivery; no engine."""
    path = tmp_path / "shop.db"

    async def write() -> None:
        opened = await SqliteStore.open(path, partitions=2)
        recording = Recording(opened)
        await recording.start()
        await two_dead(recording)
        await opened.close()

    asyncio.run(write())
    return path


@pytest.fixture
def run(store: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run_it(*words: str) -> tuple[int, str, str]:
        code = main([*words, "--store", str(store)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run_it


def mark_id(run: Run) -> str:
    letters = json.loads(run("dlq", "list", "--json")[1])
    return str(next(one["id"] for one in letters if one["kind"] == "handling"))


def test_why(run: Run) -> None:
    code, out, _ = run("why", "ORD-1042")
    assert code == 0
    assert "OrderPlaced 1.2.0 from storefront" in out
    assert "Next: interlock dlq show" in out
    assert "\x1b" not in out
    code, out, _ = run("why", "d1", "--json")
    assert (code, json.loads(out)["state"]) == (0, "dead-lettered")
    code, out, err = run("why", "ORD-9")
    assert (code, out) == (1, "")
    assert err.startswith("not_found: Nothing here is called ORD-9.")


def test_dlq_list_and_show(run: Run) -> None:
    code, out, _ = run("dlq", "list")
    assert (code, len(out.splitlines())) == (0, 4)
    assert run("dlq", "list", "--flow", "ledger")[1] == "no dead letters\n"
    code, out, _ = run("dlq", "show", mark_id(run))
    assert code == 0
    assert "Ada has no credit" in out
    assert "customer" not in out
    assert "customer" in run("dlq", "show", mark_id(run), "--payload")[1]
    assert json.loads(run("dlq", "show", "d1", "--json")[1])["kind"] == "delivery"
    assert run("dlq", "show", "nope")[0] == 1


def test_redrive_and_discard_ask_the_engine(run: Run, store: Path) -> None:
    def script(path: str, document: dict[str, Any]) -> Answer:
        return 200, {"redriven": "new"} if path == "/dlq/redrive" else {"discarded": "d1"}

    mark = mark_id(run)
    with ControlServer(Path(f"{store}.control"), script) as server:
        code, out, _ = run("dlq", "redrive", mark)
        assert (code, out) == (0, f"{mark}  redriven as new\n")
        assert run("dlq", "discard", "d1", "--reason", "test_order")[0] == 0
    position = int(mark.split("/")[2])
    assert server.asked == [
        ("/dlq/redrive", {"flow": FLOW, "partition": 0, "position": position, "generation": 0}),
        ("/dlq/discard", {"delivery_id": "d1", "reason": "test_order"}),
    ]


def test_redrive_all_goes_on_past_a_refusal_and_says_so(run: Run, store: Path) -> None:
    def script(path: str, document: dict[str, Any]) -> Answer:
        if "delivery_id" in document:
            return 200, {"redriven": "new"}
        return 409, to_document(BusinessConflict("It is not dead any more."))

    with ControlServer(Path(f"{store}.control"), script) as server:
        code, out, _ = run("dlq", "redrive", "--flow", FLOW, "--all", "--json")
    assert code == 1
    first, second = json.loads(out)
    assert (first["error"], second["redriven"]) == ("business_conflict", "new")
    assert len(server.asked) == 2


def test_a_dry_run_asks_nobody(run: Run) -> None:
    code, out, _ = run("dlq", "redrive", "--flow", FLOW, "--all", "--dry-run")
    assert code == 0
    assert out.splitlines() == [f"would redrive {mark_id(run)}", "would redrive d1", "2 of 2"]


def test_without_an_engine_the_user_is_told_to_start_it(run: Run) -> None:
    code, out, err = run("dlq", "redrive", "d1")
    assert (code, out) == (1, "")
    assert "No engine runs on this store" in err
    assert "interlock up" in err


@pytest.mark.parametrize("words", [["redrive"], ["redrive", "d1", "--all"], ["redrive", "--all"], ["discard", "d1"]])
def test_unclear_orders_are_refused(run: Run, words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run("dlq", *words)
    assert ended.value.code == 2


@pytest.mark.parametrize("number", ["9" * 23, "9" * 5000])
def test_a_number_beyond_every_mark_is_no_dead_letter(run: Run, store: Path, number: str) -> None:
    letter = f"shelving/{number}/2/0"
    code, out, err = run("dlq", "show", letter)
    assert (code, out) == (1, "")
    assert err.startswith("not_found: ")
    with ControlServer(Path(f"{store}.control"), lambda *_: (404, to_document(NotFound("None.")))) as server:
        code, out, _ = run("dlq", "redrive", letter)
    assert code == 1
    assert "not_found" in out
    assert server.asked == [("/dlq/redrive", {"delivery_id": letter})]


def test_free_text_as_a_reason_is_explained(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run("dlq", "discard", "d1", "--reason", "Wrong customer")
    assert ended.value.code == 2
    assert "such as wrong_customer." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (("why", "ORD-1042"), ", or read the store directly with --store PATH."),
        (("dlq", "list"), ", or read the store directly with --store PATH."),
        (("status",), ", meanwhile interlock why and interlock dlq read the store directly with --store PATH."),
    ],
)
def test_a_broken_estate_leaves_a_way_to_the_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], advice: str
) -> None:
    (tmp_path / "interlock.toml").write_text("[estate]\nnam = 1\n")
    assert main([*words, "--estate", str(tmp_path)]) == 1
    assert advice in capsys.readouterr().err


def strange(kind: str, path: Path) -> None:
    if kind == "folder":
        path.mkdir()
    elif kind == "other database":
        with closing(sqlite3.connect(path)) as other:
            other.execute("CREATE TABLE meta(name, value)")
    else:
        path.write_bytes({"empty": b"", "text": b"not a database " * 100}[kind])


@pytest.mark.parametrize("kind", ["empty", "text", "folder", "other database"])
def test_what_is_no_store_is_said_to_be_none(tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    path = tmp_path / "other.db"
    strange(kind, path)
    assert main(["dlq", "list", "--store", str(path)]) == 1
    assert capsys.readouterr().err.startswith(f"not_found: {path} is no Interlock store.\n")


def test_a_store_that_cannot_be_read_says_why(
    store: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # root may read every file
    assert main(["dlq", "list", "--store", str(store)]) == 1
    assert f"setting_invalid: {store} cannot be opened: permission denied." in capsys.readouterr().err


def test_any_other_refusal_of_the_system_is_one_line(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError(13, "Permission denied", "/srv/x")

    monkeypatch.setattr("interlock.cli.why.run", refuse)
    code, _, err = run("why", "d1")
    assert (code, err.splitlines()[0], len(err.splitlines())) == (1, "Permission denied: /srv/x", 2)


def test_a_reader_that_went_away_is_no_fault(store: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    words = [sys.executable, "-m", "interlock.cli.main", "dlq", "list", "--store", str(store)]
    ended = subprocess.run(words, stdout=write, stderr=subprocess.PIPE, timeout=60, check=False)
    os.close(write)
    assert (ended.returncode, ended.stderr) == (1, b"")
