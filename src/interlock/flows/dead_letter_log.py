"""Dead letters in the engine's log: a line for each, and counts where they come in floods.

Only codes, places and the keyed hash of the key: no text of an error and nothing of a payload.
"""

from __future__ import annotations

import logging

from interlock.model.clock import Clock
from interlock.model.line_budget import LineBudget
from interlock.model.record import DeliveryRow, Held

log = logging.getLogger("interlock.flows")
OTHERS = ("others", "others")


class DeadLetterLog:
    """Of all flows of a process, and of its calls. `tend` now and then, `end` at the end: they tell the counts."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._handlings: LineBudget[tuple[str, str]] = LineBudget(OTHERS)
        self._deliveries: LineBudget[tuple[str, str]] = LineBudget(OTHERS)

    def handling(self, held: Held) -> None:
        """After the commit that made it one."""
        code = held.error or ""
        if self._handlings.spend((held.flow, code), self._clock.monotonic_us()):
            place = {"flow": held.flow, "partition": held.partition, "position": held.position}
            fields = {**place, "generation": held.generation, "code": code, "attempts": held.attempts}
            log.warning("flow.dead_letter", extra={**fields, "key": f"{held.key_hash % (1 << 64):016x}"})

    def delivery(self, row: DeliveryRow) -> None:
        operation = f"{row.system}.{row.operation}"
        attempt = row.attempt
        status, code = (attempt.status, attempt.error) if attempt else (None, None)
        if self._deliveries.spend((operation, code or str(status)), self._clock.monotonic_us()):
            fields = {"delivery": row.id, "operation": operation, "status": status, "code": code}
            log.warning("delivery.dead_letter", extra={**fields, "attempts": row.attempts, "flow": row.flow})

    def tend(self, *, last: bool = False) -> None:
        now_us = self._clock.monotonic_us()
        for (flow, code), count in self._handlings.summary(now_us, last=last).items():
            log.warning("flow.dead_letters", extra={"flow": flow, "code": code, "count": count})
        for (operation, code), count in self._deliveries.summary(now_us, last=last).items():
            log.warning("delivery.dead_letters", extra={"operation": operation, "code": code, "count": count})

    def end(self) -> None:
        self.tend(last=True)
