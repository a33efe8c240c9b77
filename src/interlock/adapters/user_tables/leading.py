"""Who leads an outbox, and what is said when it is somebody else.

Two locks that end with their owner: one of the estate's name, then one of the table. Whoever gets the first and not the
second knows that no relay of its own estate leads: another estate does, and would have taken the events for itself.
"""

from __future__ import annotations

from interlock.model.problems import AlreadyRunning, SettingInvalid

LOOKS, PAUSE_SECONDS = 5, 0.1  # a session that ends gives one lock back before the other


def stands_by(told: str) -> AlreadyRunning:
    return AlreadyRunning(f"Another relay leads {told}.", next_step="Nothing to do: it goes on from there.")


def another_estate(told: str) -> SettingInvalid:
    return SettingInvalid(
        f"A relay of another estate leads {told}: each event would reach one of the two estates only.",
        next_step="Give each estate a table of its own (`table` of the source), or stop the other one.",
    )
