"""What was applied, in the order in which it was: noted beside the tables, so that invariants need not believe them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from interlock.flows.schedule import TABLE as SCHEDULES
from interlock.model.event import Event, Stored
from interlock.model.record import DeliveryRow, HandlingRow, Held
from interlock.model.step import Step

decode = msgspec.json.decode


class Applied(NamedTuple):
    """One step that a store has applied. `emitted`, `called`: what it asked for; `cells`: what it wrote of state."""

    at_us: int
    number: int
    handling: HandlingRow | None
    hold: Held | None
    delivery: DeliveryRow | None
    answered: str | None
    emitted: tuple[Event, ...]
    called: tuple[DeliveryRow, ...]
    cells: int


class Act(NamedTuple):
    """One call by which a store was changed, and what came of it: another store must say the same."""

    call: str
    arguments: tuple[Any, ...]
    result: Any


class Witness:
    """`now_us` is the simulated time; `note` is called by tables as they carry a step out."""

    def __init__(self) -> None:
        self.applied: list[Applied] = []
        self.logged: list[Stored] = []  # in the order of the log, whichever log it is
        self.history: list[Act] = []  # of a store that is log and state in one
        self.scheduled: dict[str, str] = {}  # when each schedule was first remembered, RFC 3339

    def note(self, at_us: int, step: Step) -> None:
        result = step.result
        for put in result.puts:
            if put.table == SCHEDULES and put.value is not None:
                self.scheduled.setdefault(put.key, decode(put.value))
        answered = None if step.answer is None else step.answer.scope
        cells = len(result.puts) + len(result.adds)
        self.applied.append(
            Applied(
                at_us,
                len(self.applied),
                step.handling,
                step.hold,
                step.delivery,
                answered,
                result.emits,
                result.calls,
                cells,
            )
        )

    def handled(self) -> Sequence[tuple[int, HandlingRow]]:
        """The handling rows as they were applied, each with the number of its step."""
        return [(one.number, one.handling) for one in self.applied if one.handling is not None]
