"""Hosts that are network namespaces: processes on them can be cut off, and their packets lost, on one machine.

The campaign's own process is moved into a namespace of its own, the hub, where the servers and the edge are. Each host
has a cable (a veth pair) to the hub. All of it goes when its processes end. Needs root, iproute2, util-linux, nftables.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

CLONE_NEWNET = 0x40000000
TOOLS = ("ip", "nft", "nsenter", "unshare")
HUB = "10.77.0.1"  # where all hosts find the servers
CABLE = "10.77.{nth}.{end}"
DROP = "table inet fault {{ chain in {{ type filter hook input priority 0; {rule} drop; }}; }}"
END_SECONDS = 30.0


def missing() -> str | None:
    """Why there can be no such hosts here."""
    lacking = [tool for tool in TOOLS if shutil.which(tool) is None]
    if lacking:
        return f"not installed: {', '.join(lacking)}"
    return None if os.geteuid() == 0 else "only root may make network namespaces"


async def run(*command: str) -> None:
    """RuntimeError with what it said when it fails."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)}: {said.decode(errors='replace').strip()}")


async def enter_hub() -> None:
    """Move this thread, and all that it starts from here on, into a new namespace. There is no way back."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    await run("ip", "link", "set", "lo", "up")
    await run("ip", "address", "add", f"{HUB}/32", "dev", "lo")


class Host:
    """One process on a host of its own. Started again, it has a new cable under the old number."""

    def __init__(self, nth: int, log: Path) -> None:
        self.name = f"host{nth}"
        self._nth, self._log = nth, log
        self.process: asyncio.subprocess.Process | None = None

    async def start(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """The process waits until its cable is there, and then becomes the command."""
        with self._log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                "unshare",
                "--net",
                "sh",
                "-c",
                'read _; exec "$@"',
                "sh",
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                env={**os.environ, **environment},
            )
        await self._plug_in(self.process.pid)
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.close()

    async def _plug_in(self, pid: int) -> None:
        """`unshare` becomes the shell in place, so the process id stays. Wait until it has its own namespace."""
        ours = os.readlink("/proc/self/ns/net")
        while os.readlink(f"/proc/{pid}/ns/net") == ours:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.005)
        end = f"il{self._nth}"
        here, there = (CABLE.format(nth=self._nth, end=nth) for nth in (1, 2))
        await run("ip", "link", "add", end, "type", "veth", "peer", "name", "hub", "netns", str(pid))
        await run("ip", "address", "add", f"{here}/30", "dev", end)
        await run("ip", "link", "set", end, "up")
        for words in (
            f"address add {there}/30 dev hub",
            "link set hub up",
            "link set lo up",
            f"route add default via {here}",
        ):
            await run("nsenter", "-t", str(pid), "-n", "ip", *words.split())

    async def lose(self, percent: int) -> None:
        """From now on this share of what arrives at the host is dropped, without a word to anybody; 100 cuts it off."""
        await self.heal()
        rule = DROP.format(rule=f"numgen random mod 100 < {percent}" if percent < 100 else "iifname hub")
        await run("nsenter", "-t", str(self.pid), "-n", "nft", rule)

    async def heal(self) -> None:
        await run("nsenter", "-t", str(self.pid), "-n", "nft", "flush", "ruleset")

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.returncode is None

    def signal(self, which: signal.Signals) -> None:
        """To one that has ended: nothing."""
        if self.alive:
            os.kill(self.pid, which)

    async def ended(self) -> int:
        """The exit code; killed when it does not end."""
        assert self.process is not None
        try:
            return await asyncio.wait_for(self.process.wait(), END_SECONDS)
        except TimeoutError:
            self.signal(signal.SIGKILL)
            await self.process.wait()
            raise
