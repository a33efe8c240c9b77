"""Subjects that an estate governs: their versions and their level come with the estate, not from clients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from interlock.registry.refusal import NOT_PERMITTED, Refusal


@dataclass(frozen=True, slots=True)
class GovernedSubject:
    """`level` is the compatibility that the estate asks of its contract."""

    contract: str
    level: str


@dataclass(frozen=True, slots=True)
class Governed:
    """By subject; empty where no estate stands behind the registry."""

    estate: str = ""
    subjects: Mapping[str, GovernedSubject] = field(default_factory=dict)

    def level(self, subject: str) -> str | None:
        found = self.subjects.get(subject)
        return found.level if found else None

    def refuse_level(self, subject: str, level: str | None) -> None:
        """NONE only where the estate itself says NONE, which takes a waiver there (rule COMPATIBILITY_NONE)."""
        found = self.subjects.get(subject)
        if found is not None and level == "NONE" and found.level != "NONE":
            raise NOT_PERMITTED(
                f"Subject {subject} is governed by the estate {self.estate}: NONE needs a recorded waiver. Write "
                f'"compatibility": "NONE" into the contract {found.contract} and a waiver of COMPATIBILITY_NONE into '
                "waivers.toml."
            )

    def change_refused(self, subject: str) -> Refusal | None:
        """Why a client may not add or delete a version."""
        found = self.subjects.get(subject)
        if found is None:
            return None
        return NOT_PERMITTED(
            f"Subject {subject} is governed by the estate {self.estate}: its versions come with the estate. Change the "
            f"contract there: interlock new version {found.contract}"
        )


UNGOVERNED = Governed()
