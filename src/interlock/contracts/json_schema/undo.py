"""A schema in which one change is taken back: what is still refused then, some other change refuses."""

from __future__ import annotations

from typing import Any

from interlock.contracts.json_schema.keywords import BY_NAME
from interlock.contracts.json_schema.walk import Fact
from interlock.contracts.pointer import ABSENT

Place = tuple[str, ...]
# What stands for a branch or a position that is not there; the others keep their places.
_NOWHERE = {"anyOf": False, "oneOf": False, "allOf": True, "prefixItems": True, "items": True}


def undone(root: Any, fact: Fact, *, in_new: bool) -> Any:
    """`root`, the new document or the old, with what the other says at the place of the fact. Shares the rest."""
    place, taken = (fact.new_place, fact.old) if in_new else (fact.old_place, fact.new)
    if fact.rule in ("required-added", "required-removed"):
        return _listed(root, place, fact.name, wanted=taken is not ABSENT)
    if fact.rule in ("enum-value-added", "enum-value-removed"):
        value = fact.old if fact.new is ABSENT else fact.new
        return _listed(root, place, value, wanted=taken is not ABSENT)
    if fact.rule.startswith("property-"):
        root = _as_required(root, place, fact, in_new=in_new)
    if fact.old_place[-1:] != fact.new_place[-1:] and fact.rule.endswith(("became-any-of", "became-one-of")):
        other = (fact.old_place if in_new else fact.new_place)[-1]
        root, place = replaced(root, place, ABSENT), (*place[:-1], other)
    return replaced(root, place, taken)


def _as_required(root: Any, place: Place, fact: Fact, *, in_new: bool) -> Any:
    """A property that comes back is as necessary as it is on the other side."""
    schemas = (fact.olds.schema, fact.news.schema)
    here, there = reversed(schemas) if in_new else schemas
    needed = [fact.name in (one.get("required") or ()) for one in (here, there)]
    if needed[0] == needed[1]:
        return root
    return _listed(root, (*place[:-2], "required"), fact.name, wanted=needed[1])


def loosened(root: Any, place: Place) -> Any:
    """Where what the other side says means nothing in this document: nothing is asked there."""
    schema = len(place) > 1 and (place[-2] in BY_NAME or place[-2] in _NOWHERE)
    return replaced(root, place, True if schema else ABSENT)


def replaced(root: Any, place: Place, value: Any) -> Any:
    """ABSENT takes away. Containers along the way are made where they are missing."""
    if not place:
        return True if value is ABSENT else value
    head, rest = place[0], place[1:]
    if isinstance(root, list):
        return _in_list(root, int(head), rest, value)
    made = dict(root) if isinstance(root, dict) else {}
    if rest:
        made[head] = _branch(made.get(head), head, rest, value)
    elif value is ABSENT:
        made.pop(head, None)
    else:
        made[head] = value
    return made


def _branch(below: Any, head: str, rest: Place, value: Any) -> Any:
    if isinstance(below, list) and len(rest) == 1 and value is ABSENT:
        value = _NOWHERE.get(head, True)
    if below is None and rest[0].isdecimal() and head in _NOWHERE:
        below = []
    return replaced(below, rest, value)


def _in_list(root: list[Any], at: int, rest: Place, value: Any) -> list[Any]:
    made = list(root)
    if at < len(made):
        made[at] = replaced(made[at], rest, value)
    else:
        made.append(replaced({}, rest, value))
    return made


def _listed(root: Any, place: Place, value: Any, *, wanted: bool) -> Any:
    """The list at the place with or without one value."""
    holder: Any = root
    for token in place:
        holder = holder[int(token)] if isinstance(holder, list) else holder.get(token, [])
    kept = [one for one in holder if repr(one) != repr(value)]
    return replaced(root, place, [*kept, value] if wanted else kept)
