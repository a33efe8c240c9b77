"""What of a flow reacts to which event type, and how the body becomes the handler's argument."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import msgspec

from interlock.model.saga import news_type
from interlock.sdk.flow import Flow, Handler, HandlerSpec, reply_type, schedule_type
from interlock.sdk.news import News
from interlock.sdk.reply import Reply, Tick

SagaPart = Literal["begin", "news", "mail"]


class Reaction(NamedTuple):
    """A handler, bound to the decoder of its argument; or a part of the flow's sagas, which have no handler."""

    handler: Handler
    name: str
    decode: Callable[[bytes], Any]
    saga: SagaPart | None = None


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
    for saga in sorted(flow.sagas, key=lambda one: one.version):  # so the newest version begins runs
        found[saga.subject] = Reaction(saga.handler, saga.name, bytes, "begin")
    for event_type in awaited(flow):
        found[event_type] = Reaction(_nobody, "mailbox", bytes, "mail")
    if flow.sagas:
        found[news_type(flow.name)] = Reaction(_nobody, "saga", msgspec.json.Decoder(News).decode, "news")
    return found


def awaited(flow: Flow) -> list[str]:
    """The event types that the flow's sagas may wait for."""
    return sorted({event_type for saga in flow.sagas for event_type in saga.waits_for})


async def _nobody(*_: Any) -> None:
    raise AssertionError("a part of a saga has no handler")


def decoder_of(spec: HandlerSpec) -> Callable[[bytes], Any]:
    if spec.trigger == "reply":
        return msgspec.json.Decoder(Reply).decode
    if spec.trigger == "schedule":
        return msgspec.json.Decoder(Tick).decode
    return msgspec.json.Decoder(spec.model if spec.model is not None else Any).decode
