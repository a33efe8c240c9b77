"""Parameters: what comes, goes, has to be sent, and how it is written. Those of a path hold for each of its operations.

An operation lists all its parameters; nothing in HTTP lets a caller send others. So one that goes breaks its callers,
where a property that goes from an open object does not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.openapi.api_comparison import ApiComparison
from interlock.contracts.openapi.api_document import ApiDocument
from interlock.contracts.openapi.place import Place, deeper, read
from interlock.contracts.openapi.schema_node import Direction, Side
from interlock.contracts.pointer import ABSENT

_STYLES = {"path": "simple", "header": "simple", "query": "form", "cookie": "form"}
# Described by other parts of OpenAPI (3.1, 4.8.12.2): a parameter of such a name is ignored.
_IGNORED_HEADERS = frozenset({"accept", "content-type", "authorization"})
_VARIABLE = re.compile(r"\{([^{}]*)\}")
Key = tuple[str, str]
Placed = tuple[Mapping[str, Any], Place]


def check(api: ApiComparison, label: str, old: Any, new: Any, flipped: bool) -> None:
    before, after = _all(api.old, old), _all(api.new, new)
    for key in dict.fromkeys((*before, *after)):
        name = f"{label}, {key[0]} parameter {key[1]}"
        if key not in after:
            _removed(api, name, before[key], flipped)
        elif key not in before:
            _added(api, name, key, after[key], flipped)
        elif not api.twins.same(before[key][0], after[key][0]):
            _both(api, name, key, before[key], after[key], flipped)


def _all(document: ApiDocument, operation: Any) -> dict[Key, Placed]:
    """By place and name; the operation's own ones before those of its path. A path's variables count by position."""
    own, place, (item, item_place) = operation
    found: dict[Key, Placed] = {}
    order = {name: f"#{at}" for at, name in enumerate(_VARIABLE.findall(_template(item_place, place)))}
    for holder, at in ((item, item_place), (own, place)):
        listed = holder.get("parameters")
        for index, raw in enumerate(listed if isinstance(listed, list) else ()):
            value, there = document.follow(raw, deeper(at, "parameters", str(index)))
            if not isinstance(value, Mapping) or not isinstance(value.get("in"), str) or "name" not in value:
                raise ContractInvalid(read(there), "A parameter is an object with name and in.")
            key = _key(value["in"], str(value["name"]), order)
            if key is not None:
                found[key] = (value, there)
    return found


def _template(item_place: Place, place: Place) -> str:
    """The path as it is written; the item may stand elsewhere, the operation then too."""
    return str(item_place[1]) if item_place else ""


def _key(where: str, name: str, order: Mapping[str, str]) -> Key | None:
    if where == "header":
        return None if name.lower() in _IGNORED_HEADERS else (where, name.lower())
    return (where, order.get(name, name) if where == "path" else name)


def _removed(api: ApiComparison, label: str, old: Placed, flipped: bool) -> None:
    if old[0]["in"] == "path":
        return  # its path says so: with the variable there it can only be undocumented
    word = "parameter-removed-after-sunset" if api.ended(old[0]) else "parameter-removed"
    api.say(word, flipped, label, old[1], None, _named(old))


def _added(api: ApiComparison, label: str, key: Key, new: Placed, flipped: bool) -> None:
    if key[0] == "path":
        return
    word = "parameter-added-required" if _required(new) else "parameter-added-optional"
    api.say(word, flipped, label, None, new[1], ABSENT, _named(new))


def _both(api: ApiComparison, label: str, key: Key, old: Placed, new: Placed, flipped: bool) -> None:
    from interlock.contracts.openapi.checks.operations import lifecycle

    places = (old[1], new[1])
    if _required(old) != _required(new):
        word = "parameter-became-required" if _required(new) else "parameter-became-optional"
        at: tuple[Place, Place] = ((places[0], "required"), (places[1], "required"))
        api.say(word, flipped, label, *at, old[0].get("required", ABSENT), new[0].get("required", ABSENT))
    lifecycle(api, "parameter", label, old, new, flipped)
    _writing(api, label, key[0], old, new, flipped)
    for word in ("description", "example", "examples"):
        before, after = (one[0].get(word, ABSENT) for one in (old, new))
        if before != after:
            at = ((places[0], word), (places[1], word))
            api.say("parameter-texts-changed", flipped, label, *at, before, after, word)
    direction: Direction = "response" if flipped else "request"
    value(api, direction, label, old, new)
    _default(api, label, direction, old, new, flipped)


def _writing(api: ApiComparison, label: str, where: str, old: Placed, new: Placed, flipped: bool) -> None:
    media = [_media(one) for one in (old, new)]
    if media[0] != media[1]:
        api.say("parameter-content-changed", flipped, label, old[1], new[1], *(one or ABSENT for one in media))
        return
    style = [str(one[0].get("style") or _STYLES.get(where, "form")) for one in (old, new)]
    if media[0] is None and style[0] != style[1]:
        api.say("parameter-style-changed", flipped, label, (old[1], "style"), (new[1], "style"), *style)
    elif media[0] is None:
        explode = [bool(one[0].get("explode", style[0] == "form")) for one in (old, new)]
        if explode[0] != explode[1] and any(_is_compound(api, one) for one in enumerate((old, new))):
            at = ((old[1], "explode"), (new[1], "explode"))
            api.say("parameter-explode-changed", flipped, label, *at, *explode)
    for keyword, stem in (("allowReserved", "allow-reserved"), ("allowEmptyValue", "allow-empty")):
        before, after = (one[0].get(keyword) is True for one in (old, new))
        if before != after:
            word = f"parameter-{stem}-{'added' if after else 'removed'}"
            api.say(word, flipped, label, (old[1], keyword), (new[1], keyword), before, after)


def _is_compound(api: ApiComparison, placed: tuple[int, Placed]) -> bool:
    """Explode says something of lists and objects only."""
    side, (parameter, place) = placed
    comparison = api.schemas(Side("request", text="parameter"))
    views = (comparison.olds, comparison.news)[side]
    schema = parameter.get("schema")
    if schema is None:
        return True
    types = views.view(views.node(schema, (place, "schema"))).stated
    return types is None or bool(types & {"array", "object"})


def value(api: ApiComparison, direction: Direction, label: str, old: Placed, new: Placed) -> None:
    """The schema of a parameter or header, or of the one media type of its content."""
    media = [_media(one) for one in (old, new)]
    pairs = [_schema(one) for one in (old, new)]
    if media[0] == media[1] and pairs != [None, None]:
        api.compare(direction, "parameter" if media[0] is None else "", label, *pairs)


def _schema(placed: Placed) -> tuple[Any, Place] | None:
    parameter, place = placed
    media = _media(placed)
    if media is not None:
        content = parameter["content"][media]
        found = content.get("schema") if isinstance(content, Mapping) else None
        return None if found is None else (found, deeper(place, "content", media, "schema"))
    found = parameter.get("schema")
    return None if found is None else (found, (place, "schema"))


def _media(placed: Placed) -> str | None:
    content = placed[0].get("content")
    return next(iter(content), None) if isinstance(content, Mapping) else None


def _default(api: ApiComparison, label: str, direction: Direction, old: Placed, new: Placed, flipped: bool) -> None:
    """What leaving it out means; of a required one nobody leaves it out."""
    if _required(old):
        return
    before, after = _default_of(api, direction, 0, old), _default_of(api, direction, 1, new)
    if before != after:
        action = "added" if before is ABSENT else "removed" if after is ABSENT else "changed"
        at = (deeper(old[1], "schema", "default"), deeper(new[1], "schema", "default"))
        api.say(f"parameter-default-{action}", flipped, label, *at, before, after)


def _default_of(api: ApiComparison, direction: Direction, side: int, placed: Placed) -> Any:
    found = _schema(placed)
    if found is None:
        return ABSENT
    comparison = api.schemas(Side(direction, text="parameter"))
    views = (comparison.olds, comparison.news)[side]
    return views.view(views.node(*found)).first("default", ABSENT)


def _required(placed: Placed) -> bool:
    return placed[0].get("required") is True or placed[0].get("in") == "path"


def _named(placed: Placed) -> str:
    return str(placed[0]["name"])
