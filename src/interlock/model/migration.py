"""How the schema changes while older releases work on it: expand, migrate, contract.

`meta` keeps two numbers: `format`, and `oldest`, the oldest format whose release may still work on the schema. A step
that only adds leaves `oldest` as it is. One that takes something away raises it, and waits until nobody older is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from interlock.model.problems import FormatUnsupported

TOLD_SINCE = 4  # the format since which a start tells the format of its release


class Migration(NamedTuple):
    """`oldest`: the oldest format whose release can work on the outcome. None: whoever could before (an expand step).

    The script runs in one transaction, beside engines at work, and waits for no lock longer than LOCK_SECONDS.
    """

    script: str
    oldest: int | None = None


class Standing(NamedTuple):
    """What a schema is, as its `meta` tells. Schemas of before format 4 do not say `oldest`: only their own."""

    format: int
    oldest: int

    @classmethod
    def of(cls, meta: Mapping[str, Any]) -> Standing:
        found = int(meta["format"])
        return cls(found, int(meta.get("oldest", found)))

    def after(self, migration: Migration) -> Standing:
        return Standing(self.format + 1, max(self.oldest, migration.oldest or 0))

    def admit(self, known: int) -> None:
        """Refuse a schema that a release of the format `known` cannot work on. FormatUnsupported."""
        if self.oldest > known:
            raise FormatUnsupported(
                f"The store has format {self.format}, for releases of format {self.oldest} and newer; this release "
                f"reads up to {known}."
            )

    def admit_whole(self, known: int) -> None:
        """Refuse also what holds more than the release knows of: it can work there, but not carry it elsewhere."""
        self.admit(known)
        if self.format > known:
            raise FormatUnsupported(
                f"The store has format {self.format}; this release knows all of a store up to {known}.",
                next_step="Use the release that made it so, or a newer one.",
            )
