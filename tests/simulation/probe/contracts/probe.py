"""Events of the domain probe, generated from contracts/events/probe.

Do not edit: change the schemas, then run `interlock generate`.
"""

# schemas: 5c3ee4050314ebfb

from __future__ import annotations

from typing import ClassVar

import msgspec


class Echoed(msgspec.Struct, frozen=True, kw_only=True):
    """A number was echoed."""

    __contract__: ClassVar[str] = "probe.Echoed"
    __version__: ClassVar[str] = "1.0.0"

    key: str
    n: int


class Noted(msgspec.Struct, frozen=True, kw_only=True):
    """A number was noted."""

    __contract__: ClassVar[str] = "probe.Noted"
    __version__: ClassVar[str] = "1.0.0"

    key: str
    n: int
