"""What of a flow reacts to which event type, and how the body becomes the handler's argument."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from interlock.sdk.flow import Flow, Handler, HandlerSpec, reply_type, schedule_type
from interlock.sdk.reply import Reply, Tick


class Reaction(NamedTuple):
    """A handler, bound to the decoder of its argument."""

    handler: Handler
    name: str
    decode: Callable[[bytes], Any]


def subject_type(flow: Flow, spec: HandlerSpec) -> str | None:
    """The type of the events that start this handler; None for API operations, which no event starts."""
    if spec.trigger == "event":
        return spec.subject
    if spec.trigger == "reply":
        return reply_type(spec.subject)
    if spec.trigger == "schedule":
        return schedule_type(flow.name, spec.subject)
    return None


def reactions_of(flow: Flow) -> dict[str, Reaction]:
    """Event type -> reaction."""
    found: dict[str, Reaction] = {}
    for spec in flow.specs:
        event_type = subject_type(flow, spec)
        if event_type is not None:
            found[event_type] = Reaction(spec.handler, spec.name, decoder_of(spec))
    return found


def decoder_of(spec: HandlerSpec) -> Callable[[bytes], Any]:
    if spec.trigger == "reply":
        return msgspec.json.Decoder(Reply).decode
    if spec.trigger == "schedule":
        return msgspec.json.Decoder(Tick).decode
    return msgspec.json.Decoder(spec.model if spec.model is not None else Any).decode
