"""What the machine and the user say of a deployment, for `interlock doctor`."""

from __future__ import annotations

import platform
import resource
import shutil
import stat
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path

from interlock import __version__
from interlock.app.secrets import signing_secrets
from interlock.estate.estate import Estate
from interlock.model.clock import Clock
from interlock.model.diagnosis import BOUNDED, CLEAR_ERROR, NO_PAYLOAD, OUTSIDE_ONCE, Check, Finding
from interlock.model.problems import SettingInvalid

SPARE_FILES = 64  # the store, the log, the registry, and what Python itself has open
SCARCE = 4  # times the limit
CLOCK_LOOK_SECONDS = 0.05
STEP_US = 20_000
FIRST_SANE_US = 1_735_689_600_000_000  # the beginning of 2025

ESTATE = Check("ESTATE_LOADS", "whether the estate loads", CLEAR_ERROR, "Correct it: interlock check")
RELEASE = Check("RELEASE", "the release, and the Python that runs it", CLEAR_ERROR, "Install Python 3.11 or newer.")
SECRETS = Check(
    "SECRETS_SET", "whether the variables that systems refer to are set here", OUTSIDE_ONCE,
    "Set them for the service too: a start without them is refused.",
)  # fmt: skip
DISK = Check(
    "DISK_FREE", "free room on the disk of the store's folder, against `limits.min_free_disk_bytes`", BOUNDED,
    "Make room, or give the store a larger disk: nothing is pruned yet.",
)  # fmt: skip
FILES = Check(
    "FILES_PRIVATE", "who may read the store's files, its lock and its control socket", NO_PAYLOAD,
    "chmod 600 the files, and chmod 700 their folder; run the engine under a user of its own.",
)  # fmt: skip
OPEN_FILES = Check(
    "OPEN_FILES", "the limit of open files of this shell, against what the settings may need", BOUNDED,
    "Raise it, as in LimitNOFILE=65536 of the unit, or lower limits.concurrent_requests.",
)  # fmt: skip
CLOCK = Check("CLOCK_STEADY", "whether the wall clock goes on steadily", CLEAR_ERROR, "Let NTP set it.")
ADDRESS = Check(
    "ADDRESS", "where the server listens", NO_PAYLOAD,
    "Listen on 127.0.0.1, and put a proxy in front that does TLS and authentication: docs/operations/run.md.",
)  # fmt: skip
CHECKS = (ESTATE, RELEASE, SECRETS, DISK, FILES, OPEN_FILES, CLOCK, ADDRESS)


async def examine(estate: Estate, store_files: list[Path], clock: Clock, environ: Mapping[str, str]) -> list[Finding]:
    """`store_files` are those that may hold payloads, or let somebody steer the engine."""
    limits = estate.settings.limits
    contracts, flows = len(estate.contracts), len(estate.flows)
    found = [
        ESTATE.ok(f"The estate {estate.name} {estate.hash[:6]} loads; contracts: {contracts}, flows: {flows}."),
        RELEASE.ok(f"Interlock {__version__} on Python {platform.python_version()}."),
        _secrets(estate, environ),
        disk_finding(_free(estate), limits.min_free_disk_bytes),
        files_finding(store_files),
        open_files_finding(
            resource.getrlimit(resource.RLIMIT_NOFILE)[0], limits.concurrent_requests + limits.delivery_concurrency
        ),
        address_finding(estate.settings.server.host),
    ]
    before = clock.now_us(), clock.monotonic_us()
    await clock.sleep(CLOCK_LOOK_SECONDS)
    found.append(clock_finding(before, (clock.now_us(), clock.monotonic_us())))
    return found


def _secrets(estate: Estate, environ: Mapping[str, str]) -> Finding:
    wanted = sum(system.secret_ref is not None for system in estate.systems.values())
    try:
        signing_secrets(estate.systems, environ)
    except SettingInvalid as problem:
        return SECRETS.broken(problem.detail, problem.step)
    if not wanted:
        return SECRETS.ok("No system refers to a secret.")
    return SECRETS.ok(f"All {wanted} secrets that systems refer to are set in this shell.")


def _free(estate: Estate) -> int:
    folder = estate.store_path.parent
    return shutil.disk_usage(folder if folder.exists() else estate.root).free


def disk_finding(free: int, least: int) -> Finding:
    told = f"{free / (1 << 30):,.1f} GiB are free beside the store, the limit is {least / (1 << 30):,.2f} GiB"
    if free < least:
        return DISK.broken(f"{told}: every request is refused with 503 storage_full.")
    if free < SCARCE * least:
        return DISK.warn(f"{told}: below it every request is refused with 503 storage_full.")
    return DISK.ok(f"{told}.")


def files_finding(paths: list[Path]) -> Finding:
    there = [path for path in paths if path.exists()]
    open_ones = [f"{path.name} ({stat.S_IMODE(path.stat().st_mode):o})" for path in there if _others(path) & 0o077]
    if open_ones:
        return FILES.broken(
            f"Other users of this machine get at {', '.join(open_ones)}: payloads stand there unencrypted."
        )
    if not there:
        return FILES.ok("There are no files of the store yet; they will be for their owner only.")
    if any(_others(path.parent) & 0o022 and not _sticky(path.parent) for path in there):
        return FILES.warn("Other users may write into the store's folder, and so put other files in its place.")
    return FILES.ok(f"{len(there)} files of the store are for their owner only.")


def _others(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _sticky(path: Path) -> bool:
    return bool(path.stat().st_mode & stat.S_ISVTX)


def open_files_finding(limit: int, connections: int) -> Finding:
    needed = connections + SPARE_FILES
    told = f"This shell may have {limit:,} files open; the settings allow for {connections:,} connections"
    if limit < needed and limit != resource.RLIM_INFINITY:
        return OPEN_FILES.warn(
            f"{told}: beyond the limit of files new callers wait without an answer, in place of a 429."
        )
    return OPEN_FILES.ok(f"{told}. Of a service its unit says how many.")


def clock_finding(before: tuple[int, int], after: tuple[int, int]) -> Finding:
    """Each is wall and monotonic time in microseconds."""
    if after[0] < FIRST_SANE_US:
        return CLOCK.warn("The wall clock says a year before 2025: schedules, retries and ids go by it.")
    step = (after[0] - before[0]) - (after[1] - before[1])
    if abs(step) > STEP_US:
        return CLOCK.warn(f"The wall clock was set by {step / 1000:,.0f} ms just now: schedules and retries go by it.")
    return CLOCK.ok("The wall clock goes on steadily.")


def address_finding(host: str) -> Finding:
    try:
        near = ip_address(host).is_loopback
    except ValueError:
        near = host == "localhost"
    if near:
        return ADDRESS.ok(f"The server listens on {host}: only this machine reaches it.")
    return ADDRESS.warn(f"The server listens on {host}, in the clear, and asks no caller who it is.")
