"""SIGKILL at random moments: no accepted event lost, no effect twice, order per key kept, books equal.

`make test` has some kills for each profile and store; `make slow` the many that find what is rare, on every store too.
INTERLOCK_KILLS sets the number of kills of each profile, INTERLOCK_SEED the seed, which otherwise is new each time.
A seed fixes the moments of the kills and what the clients send, not how the machine shares its time among them: to
reproduce a failure may take several runs, so the history and the store of the failing one are kept.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import pytest
from stores import JetStreamBacking, PostgresBacking

from .campaign import INGEST, PROCESSING, Campaign, Profile

FEWER, FEW, MANY, IN_ONE_STORE = 3, 5, 110, 22
PROFILES = pytest.mark.parametrize("profile", [INGEST, PROCESSING], ids=lambda profile: profile.name)


def seed() -> str:
    return os.environ.get("INTERLOCK_SEED") or secrets.token_hex(4)


def kills(default: int) -> int:
    return int(os.environ.get("INTERLOCK_KILLS") or default)


async def survive(
    folder: Path, profile: Profile, count: int, seed: str, backing: PostgresBacking | None = None
) -> None:
    outcome = await Campaign(folder, profile, seed, backing=backing).run(count)
    print(f"\n{profile.name}: {outcome}")
    assert not outcome.invalid, f"{outcome}\nagain: INTERLOCK_SEED={seed} INTERLOCK_KILLS={count}"
    assert outcome.kills >= count
    assert outcome.exit_code == 0, (folder / "engine.log").read_text()[-2000:]


@pytest.mark.faults
@PROFILES
async def test_nothing_is_lost_or_done_twice(tmp_path: Path, profile: Profile) -> None:
    await survive(tmp_path / profile.name, profile, kills(FEW), seed())


@pytest.mark.faults
@PROFILES
async def test_nothing_is_lost_or_done_twice_on_postgresql(tmp_path: Path, profile: Profile) -> None:
    """The schema of a failing run is kept, as long as the test run's server is."""
    backing = PostgresBacking()
    await survive(tmp_path / profile.name, profile, kills(FEW), seed(), backing)
    backing.drop()


async def survive_apart(folder: Path, dedupe_seconds: float, count: int) -> None:
    backing = JetStreamBacking(dedupe_seconds)
    await survive(folder / "apart", PROCESSING, count, seed(), backing)
    backing.drop()


@pytest.mark.faults
async def test_nothing_is_lost_or_done_twice_with_the_log_in_jetstream(tmp_path: Path) -> None:
    """The engine takes longer to start than the window is: so the relay has to look in the log each time."""
    await survive_apart(tmp_path, 0.5, kills(FEWER))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("dedupe_seconds", [0.5, 3.0, 120.0])
async def test_many_kills_with_the_log_in_jetstream(tmp_path: Path, dedupe_seconds: float) -> None:
    await survive_apart(tmp_path, dedupe_seconds, kills(IN_ONE_STORE))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@PROFILES
async def test_many_kills_on_postgresql(tmp_path: Path, profile: Profile) -> None:
    backing = PostgresBacking()
    await survive(tmp_path / profile.name, profile, kills(IN_ONE_STORE), seed(), backing)
    backing.drop()


@pytest.mark.slow
@pytest.mark.timeout(3600)
@PROFILES
async def test_many_kills(tmp_path: Path, profile: Profile) -> None:
    """In several stores, so that each stays small enough to be judged whole."""
    chosen, rest = seed(), kills(MANY)
    for lot in range(-(-rest // IN_ONE_STORE)):
        count = min(IN_ONE_STORE, rest - lot * IN_ONE_STORE)
        await survive(tmp_path / f"{profile.name}-{lot}", profile, count, f"{chosen}/{lot}" if lot else chosen)
