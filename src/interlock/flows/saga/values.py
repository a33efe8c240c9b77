"""From a settled entry to what the saga's code gets to hear."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_type_hints

import msgspec

from interlock.flows.saga.records import Entry
from interlock.model.saga import EntryState
from interlock.sdk.reply import Reply
from interlock.sdk.saga import Operation, SleepOperation, StepFailed, StepOperation, TimedOut, WaitOperation

TIMED_OUT = "timed_out"
_types: dict[Any, Any] = {}


def value_of(operation: Operation[Any], entry: Entry) -> Any:
    """The operation's value. StepFailed when the entry is failed."""
    if entry.state is EntryState.FAILED:
        raise _failure(operation, entry)
    if isinstance(operation, SleepOperation):
        return None
    if isinstance(operation, WaitOperation):
        return msgspec.json.decode(entry.result, type=operation.model)
    assert isinstance(operation, StepOperation)
    return result_of(operation, entry)


def result_of(step: StepOperation[Any], entry: Entry) -> Any:
    """What a finished step gave, as its function is annotated; of a call its Reply."""
    return msgspec.json.decode(entry.result, type=Reply if entry.delivery else result_type(step.function))


def result_type(function: Callable[..., Any]) -> Any:
    """What a step's function is annotated to return; anything where it is not."""
    found = _types.get(function)
    if found is None:
        try:
            found = get_type_hints(function).get("return", Any)
        except Exception:  # an annotation that cannot be resolved says nothing
            found = Any
        _types[function] = found = type(None) if found is None else found
    return found


def _failure(operation: Operation[Any], entry: Entry) -> StepFailed:
    kind = TimedOut if entry.error == TIMED_OUT else StepFailed
    answered = entry.delivery is not None and isinstance(operation, StepOperation) and bytes(entry.result) != b"null"
    reply = msgspec.json.decode(entry.result, type=Reply) if answered else None
    return kind(entry.name, entry.error or "failed", reply)
