"""Ids that a waiver may name: a file of waivers is one for an estate, and its rules are of several tables."""

from __future__ import annotations

from typing import get_args

from interlock.contracts.comparison import Kind
from interlock.contracts.diff import rules


def known_rules(like: str) -> frozenset[str]:
    """Those written as `like` is: of diffs in small letters, of estates and changes of them in capitals."""
    if like.isupper():
        from interlock.contracts.gate_rule import GATE_BY_ID
        from interlock.contracts.rule import BY_ID

        return frozenset(BY_ID) | frozenset(GATE_BY_ID)
    return frozenset(rule.id for kind in get_args(Kind) for rule in rules(kind))
