"""A rule of a semantic diff, as data: from these the reference page is made, and each example is run as a test."""

from __future__ import annotations

from dataclasses import dataclass

from interlock.contracts.comparison import Direction, Effect, Kind


@dataclass(frozen=True, slots=True)
class ChangeRule:
    """`old` and `new` are JSON texts: the smallest pair that makes this rule speak with this direction and effect.

    mirror  the id of the rule for the opposite change (added for removed, response for request); or, when there is
            none, one sentence that says why, beginning with "none: ". A test refuses an unexplained gap.
    """

    id: str
    kind: Kind
    direction: Direction
    effect: Effect
    purpose: str
    old: str
    new: str
    mirror: str
