"""A handler that swallows its cancellation cannot keep the process."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import asyncio
from interlock.app.serving import end_stubborn

async def {name}() -> None:
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            {reaction}

async def main() -> None:
    task = asyncio.create_task({name}())
    await asyncio.sleep(0)
    await end_stubborn(0.2)
    print("ended well")

asyncio.run(main())
"""


def ended(reaction: str) -> subprocess.CompletedProcess[str]:
    program = PROGRAM.format(name="handler_of_mine", reaction=reaction)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=False)


def test_it_is_named_and_left_behind() -> None:
    process = ended("pass")
    assert process.returncode == 1
    assert "handler_of_mine" in process.stderr


def test_one_that_stops_is_waited_for() -> None:
    process = ended("raise")
    assert (process.returncode, process.stdout) == (0, "ended well\n")
