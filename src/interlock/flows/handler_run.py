"""One handling on its way through the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interlock.flows.triggers import Reaction
from interlock.model.event import Event
from interlock.model.handling import Mark
from interlock.sdk.context import Context

if TYPE_CHECKING:
    from interlock.flows.lane import Lane


class HandlerRun:
    """One handling on its way: what is handled, how often it was tried, and what came of this run."""

    __slots__ = (
        "attempts",
        "context",
        "event",
        "forgiven",
        "generation",
        "held",
        "lane",
        "position",
        "reaction",
        "reruns",
        "started_us",
    )

    def __init__(
        self,
        lane: Lane,
        position: int,
        event: Event,
        reaction: Reaction,
        generation: int = 0,
        attempts: int = 0,
        held: bool = False,
    ) -> None:
        self.lane = lane
        self.position = position
        self.event = event
        self.reaction = reaction
        self.generation = generation
        self.attempts = attempts  # runs before this one
        self.forgiven = 0  # of those, as many as do not count towards the flow's limit
        self.held = held  # it is the head of a parked key
        self.reruns = 0
        self.started_us = 0
        self.context: Context | None = None

    def mark(self, flow: str) -> Mark:
        return Mark(flow, self.event.partition, self.position, self.generation)
