"""why, status and dlq as a person types them, on a real store file written by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from interlock.adapters.sqlite import SqliteStore
from interlock.cli.main import main
from interlock.model.problems import BusinessConflict, to_document
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
        assert run("dlq", "discard", "d1", "--reason", "a test order")[0] == 0
    position = int(mark.split("/")[2])
    assert server.asked == [
        ("/dlq/redrive", {"flow": FLOW, "partition": 0, "position": position, "generation": 0}),
        ("/dlq/discard", {"delivery_id": "d1", "reason": "a test order"}),
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
