"""Hosts that are network namespaces: processes on them can be cut off, and their packets lost, on one machine.

The campaign's own process is moved into a namespace of its own, the hub, where the servers and the edge are. Each host
has a cable (a veth pair) to the hub. All of it goes when its processes end. Needs root, iproute2, util-linux, nftables.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import shutil
from collections.abc import Mapping, Sequence

CLONE_NEWNET, CLONE_NEWNS = 0x40000000, 0x00020000
TOOLS = ("ip", "mount", "nft", "nsenter", "unshare")
HUB = "10.77.0.1"  # where all hosts find the servers
CABLE = "10.77.{nth}.{end}"
DROP = "table inet fault {{ chain in {{ type filter hook input priority 0; {rule} drop; }}; }}"


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
    """Move this thread, and all that it starts from here on, into new namespaces. There is no way back.

    One for the network, one for mounts: those made here go with the last process in it.
    """
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET | CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "unshare")
    await run("mount", "--make-rprivate", "/")
    await run("ip", "link", "set", "lo", "up")
    await run("ip", "address", "add", f"{HUB}/32", "dev", "lo")


class Host:
    """One process on a host of its own. Started again, it has a new cable under the old number."""

    def __init__(self, nth: int) -> None:
        self._nth = nth
        self._pid = 0

    async def start(self, command: Sequence[str], environment: Mapping[str, str]) -> asyncio.subprocess.Process:
        """The process waits until its cable is there, and then becomes the command. It writes to one pipe."""
        process = await asyncio.create_subprocess_exec(
            "unshare",
            "--net",
            "sh",
            "-c",
            'read _ && exec "$@"',
            "sh",
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **environment},
        )
        self._pid = process.pid
        await self._plug_in(process.pid)
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.close()
        return process

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
        await run("nsenter", "-t", str(self._pid), "-n", "nft", rule)

    async def heal(self) -> None:
        await run("nsenter", "-t", str(self._pid), "-n", "nft", "flush", "ruleset")
