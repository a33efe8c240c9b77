"""What a rule of `interlock lint` is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from interlock.contracts.check_rule import Rule

if TYPE_CHECKING:
    from interlock.contracts.lint.scene import Scene

Tokens = tuple[str | int, ...]
Flaws = Iterator[tuple[Tokens, str]]
"""Where, from the object that was looked at, and what."""


def nothing(node: Any, scene: Scene) -> Flaws:
    """For rules that the walk itself applies."""
    yield from ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LintRule(Rule):
    """A rule that looks at one kind of object of a contract.

    source    the standard or ruleset that it comes from; "Interlock" when it is ours
    spectral  Spectral's rules that say the same
    on        the kinds of the grammar that it looks at
    when      looks only where one of these members is there; "end": once, when the whole document was seen
    check     what it finds wrong with an object
    governed  asked of contracts that are ours (in an estate, or with x-interlock); of others it is a warning
    """

    needed: bool = False
    source: str
    on: tuple[str, ...] = ()
    when: tuple[str, ...] | Literal["end"] | None = None
    check: Callable[[Any, Scene], Flaws] = nothing
    spectral: tuple[str, ...] = ()
    governed: bool = False
