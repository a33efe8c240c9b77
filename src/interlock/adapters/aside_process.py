"""A process for what only computes on what others sent: it has an end in time and memory, and holds up nobody.

A thread would not do: compiled code keeps the interpreter for itself while it works, and nothing can stop a thread.
Calls and answers go over the child's standard streams as pickles, each behind its length; the child trusts its parent
only, and ends when the stream does.
"""

from __future__ import annotations

import asyncio
import pickle
import resource
import signal
import struct
import sys
from collections.abc import Callable
from typing import Any, BinaryIO, TypeVar

T = TypeVar("T")
MEMORY_BYTES = 2 * 1024**3
_LENGTH = struct.Struct(">Q")


class AsideProcess:
    """One call after another. The process starts with the first call, and anew after one that did not end in time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._turn = asyncio.Lock()
        self._child: asyncio.subprocess.Process | None = None

    async def run(self, call: Callable[[], T], /) -> T:
        """`call`, its answer and what it raises can be pickled. TimeoutError when it has no answer in time."""
        async with self._turn:
            child = self._child = self._child or await _started()
            try:
                good, answer = await asyncio.wait_for(_asked(child, call), self._seconds)
            except TimeoutError:
                await self._end()
                raise TimeoutError(f"no answer within {self._seconds:g} seconds") from None
            except (asyncio.IncompleteReadError, ConnectionError):
                await self._end()
                raise TimeoutError("the computation ended without an answer") from None
            except BaseException:  # half an exchange: what comes next on the stream belongs to nobody
                await self._end()
                raise
        if good:
            return answer  # type: ignore[no-any-return]
        raise answer

    async def close(self) -> None:
        await self._end()

    async def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            if child.returncode is None:
                child.kill()
            await child.wait()


async def _started() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "interlock.adapters.aside_process",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )


async def _asked(child: asyncio.subprocess.Process, call: Callable[[], Any]) -> tuple[bool, Any]:
    assert child.stdin is not None
    assert child.stdout is not None
    message = pickle.dumps(call)
    child.stdin.write(_LENGTH.pack(len(message)) + message)
    await child.stdin.drain()
    (length,) = _LENGTH.unpack(await child.stdout.readexactly(_LENGTH.size))
    answer: tuple[bool, Any] = pickle.loads(await child.stdout.readexactly(length))  # noqa: S301 - of our own child
    return answer


def serve(calls: BinaryIO, answers: BinaryIO) -> None:
    """The child."""
    while head := calls.read(_LENGTH.size):
        (length,) = _LENGTH.unpack(head)
        try:
            answer = (True, pickle.loads(calls.read(length))())  # noqa: S301 - of our own parent
        except Exception as error:
            answer = (False, error)
        message = pickle.dumps(answer)
        answers.write(_LENGTH.pack(len(message)) + message)
        answers.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, most))
    serve(sys.stdin.buffer, sys.stdout.buffer)
