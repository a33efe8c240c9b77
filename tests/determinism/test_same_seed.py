"""The same seed on the memory adapters gives an identical record; another seed another one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from determinism.estate_run import run

ROOT = Path(__file__).parents[2]


def record(hash_seed: int, *words: str) -> bytes:
    """The record of a fresh process, whose sets have an order of their own."""
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT), str(ROOT / "tests")])
    environ = {**os.environ, "PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": paths}
    command = [sys.executable, "-m", "determinism.estate_run", *words]
    return subprocess.run(command, env=environ, check=True, capture_output=True, timeout=60).stdout


async def test_the_same_seed_gives_the_same_record_byte_for_byte() -> None:
    assert (await run(7)).encode() == (await run(7)).encode()


async def test_the_run_meets_every_kind_of_trouble() -> None:
    """Otherwise the record would be the same for want of anything that could differ."""
    text = await run(7)
    for word in (
        "HandlingState.DONE", "HandlingState.PARKED", "HandlingState.SKIPPED", "HandlingState.DEAD",
        "HandlingState.DISCARDED", "DeliveryState.SUCCEEDED", "DeliveryState.REFUSED", "DeliveryState.DEAD",
        "handler_failed:RuntimeError", "park_limit", "stale_read", "status=503", "reply:payments.charge",
        "error='timeout'", "error='handler_failed'",
    ):  # fmt: skip
        assert word in text, word


async def test_another_seed_differs_in_ids_and_in_times() -> None:
    first, second = await run(7), await run(8)
    assert set(delivery_ids(first)).isdisjoint(delivery_ids(second))
    assert retry_times(first) != retry_times(second)


def test_the_order_of_sets_decides_nothing() -> None:
    assert record(1, "7") == record(2, "7")


def test_a_planted_set_order_is_seen() -> None:
    assert record(1, "7", "planted") != record(2, "7", "planted")


def delivery_ids(text: str) -> list[str]:
    return re.findall(r"^deliveries \('([^']+)'", text, re.MULTILINE)


def retry_times(text: str) -> list[str]:
    return re.findall(r"FailedAttempt\(.*?attempt=2, at_us=(\d+)", text)
