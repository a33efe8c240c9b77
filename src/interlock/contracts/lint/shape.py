"""A document without the members that have another type than the specification says.

What is wrong there has been reported; every other rule may then trust the types that the grammar states.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from interlock.contracts.lint.rule import Tokens


def without(document: Any, places: Iterable[Tokens]) -> Any:
    """A copy along the way to each place. Elements of arrays become null, so that the others keep their places."""
    tree: dict[Any, Any] = {}
    for place in places:
        branch = tree
        for token in place:
            branch = branch.setdefault(token, {})
        branch[_LEAF] = True
    return _pruned(document, tree)


_LEAF = object()


def _pruned(node: Any, tree: dict[Any, Any]) -> Any:
    if isinstance(node, dict):
        kept = {name: part for name, part in node.items() if _LEAF not in tree.get(name, ())}
        return {name: _pruned(part, tree[name]) if name in tree else part for name, part in kept.items()}
    if isinstance(node, list):
        return [
            None if _LEAF in tree.get(index, ()) else _pruned(part, tree[index]) if index in tree else part
            for index, part in enumerate(node)
        ]
    return node
