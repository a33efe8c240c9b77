"""Every adapter of this repository keeps every promise of the ports it implements."""

from __future__ import annotations

from pathlib import Path

import pytest

from interlock.testing.conformance import Check, Harness, NotApplicable
from interlock.testing.keeping_conformance import KEEPING_CHECKS
from interlock.testing.log_conformance import LOG_CHECKS
from interlock.testing.membership_conformance import MEMBERSHIP_CHECKS
from interlock.testing.outbox_conformance import INDEX_CHECKS, OUTBOX_CHECKS
from interlock.testing.record_conformance import RECORD_CHECKS
from interlock.testing.state_conformance import STATE_CHECKS

from .harnesses import MemoryHarness, PostgresHarness, SqliteHarness
from .split_harnesses import MemorySplitHarness, PostgresSplitHarness

BESIDE_A_LOG = [*STATE_CHECKS, *KEEPING_CHECKS, *RECORD_CHECKS, *OUTBOX_CHECKS, *INDEX_CHECKS]
CHECKS = [*LOG_CHECKS, *STATE_CHECKS, *KEEPING_CHECKS, *RECORD_CHECKS]


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def harness(request: pytest.FixtureRequest, tmp_path: Path) -> Harness:
    if request.param == "postgres":
        return PostgresHarness()
    return MemoryHarness() if request.param == "memory" else SqliteHarness(tmp_path)


@pytest.mark.parametrize("check", CHECKS, ids=str)
async def test_promise(check: Check, harness: Harness) -> None:
    try:
        await check.run(harness)
    except NotApplicable as reason:
        pytest.skip(str(reason))


@pytest.mark.parametrize("kind", [MemoryHarness, PostgresHarness], ids=["memory", "postgres"])
@pytest.mark.parametrize("check", list(MEMBERSHIP_CHECKS), ids=str)
async def test_promise_to_several(check: Check, kind: type[MemoryHarness | PostgresHarness]) -> None:
    await check.run(kind())


@pytest.fixture(params=["memory", "postgres"])
def split(request: pytest.FixtureRequest) -> Harness:
    return MemorySplitHarness() if request.param == "memory" else PostgresSplitHarness()


@pytest.mark.parametrize("check", BESIDE_A_LOG, ids=str)
async def test_promise_beside_a_log_elsewhere(check: Check, split: Harness) -> None:
    await check.run(split)
