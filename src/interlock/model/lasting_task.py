"""Tasks that nobody awaits, and whose unexpected end must not be silent: without them nothing would go on.

A failure that they do not foresee goes to the exception handler of the event loop, which is there for all rooms, with
the problem that it is. The process hears it and ends as after any failure that no retry mends; where nobody has set a
handler, asyncio logs it as an error.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any

from interlock.model.problems import Problem, problem_of

PROBLEM = "problem"  # in the context of the loop's exception handler


def lasting(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    """A task that is heard of should it raise. `name` says for people what does not go on then."""
    task = asyncio.get_running_loop().create_task(work, name=name)
    task.add_done_callback(_ended)
    return task


def report(loop: asyncio.AbstractEventLoop, name: str, error: BaseException) -> None:
    """What is no task and has ended by an error. Call on the loop's thread."""
    problem = problem_of(error, f"The {name} broke")
    loop.call_exception_handler({"message": f"the {name} broke", "exception": error, PROBLEM: problem})


def problem_in(context: Mapping[str, Any]) -> Problem | None:
    """Of the loop's exception handler: the problem by which something ended that must not; None for anything else."""
    found = context.get(PROBLEM)
    return found if isinstance(found, Problem) else None


def _ended(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        report(task.get_loop(), task.get_name(), error)
