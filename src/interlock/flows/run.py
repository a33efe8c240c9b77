"""One run of a handler.

Most handlers never wait: what they read is at hand. Such a run is driven to its end in place, which saves the cost of
a task (a third of an event's budget). Only a run that really waits becomes a task, and is bounded in time.
"""

from __future__ import annotations

import asyncio
import os
import traceback
from collections.abc import Callable, Coroutine, Generator
from types import coroutine
from typing import Any

from interlock.flows.deadlines import Deadlines
from interlock.model.problems import HandlerFailed
from interlock.sdk import context

SDK_FOLDER = os.path.dirname(context.__file__)
# What a handler may raise by itself. Signals reach the process through the event loop, and in place nobody cancels: so
# these, too, are one handler's failure, and must not end the engine at each start anew.
HANDLERS_OWN = (Exception, asyncio.CancelledError, SystemExit, KeyboardInterrupt)
Finished = Callable[[Any, BaseException | None], None]


def drive(run: Coroutine[Any, Any, Any], finished: Finished, deadlines: Deadlines) -> asyncio.Task[None] | None:
    """Run to the end; `finished(value, error)` is called in place, or later when a task is returned.

    The part before a handler's first wait has no current task, so `asyncio.timeout` does not work there. The engine
    bounds the run instead.
    """
    try:
        awaited = run.send(None)
    except StopIteration as stop:
        finished(stop.value, None)
        return None
    except HANDLERS_OWN as error:
        finished(None, error)
        return None
    return asyncio.get_running_loop().create_task(_wait(run, awaited, finished, deadlines))


async def _wait(run: Coroutine[Any, Any, Any], awaited: Any, finished: Finished, deadlines: Deadlines) -> None:
    value: Any = None
    failure: BaseException | None = None
    try:
        async with deadlines.limit():
            value = await _resume(run, awaited)
    except TimeoutError:
        failure = HandlerFailed(
            f"The handler ran longer than {deadlines.limit_seconds:g} s.",
            next_step="Move outside calls to ctx.call, or raise limits.handler_seconds.",
        )
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise  # the engine gives the run up
        failure = error  # of something that the handler waited for: without an end its key would stand for ever
    except HANDLERS_OWN as error:
        failure = error
    finished(value, failure)


@coroutine
def _resume(run: Coroutine[Any, Any, Any], awaited: Any) -> Generator[Any, Any, Any]:
    """Go on with a coroutine that was already started and has yielded `awaited`."""
    try:
        while True:
            try:
                sent = yield awaited
            except BaseException as error:
                awaited = run.throw(error)
            else:
                awaited = run.send(sent)
    except StopIteration as stop:
        return stop.value


def frame_of(error: BaseException) -> str:
    """Where the estate's code raised it: file, line and function of its innermost frame; never a value.

    Frames of the sdk are passed over, so that `ctx.reject` names the line that called it.
    """
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return "unknown"
    own = [frame for frame in frames if not frame.filename.startswith(SDK_FOLDER)]
    last = (own or frames)[-1]
    return f"{last.filename.rsplit('/', 2)[-1]}:{last.lineno} {last.name}"
