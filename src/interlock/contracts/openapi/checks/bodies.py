"""Bodies of requests, and the media types of any body. A range (`text/*`) covers what lies in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.contracts.api.media_range import declared, essence
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.openapi.api_comparison import ApiComparison
from interlock.contracts.openapi.place import Place, deeper, read
from interlock.contracts.openapi.schema_node import Direction, Text
from interlock.contracts.pointer import ABSENT

Placed = tuple[Mapping[str, Any], Place]


def check(api: ApiComparison, label: str, old: Placed, new: Placed, flipped: bool) -> None:
    before, after = (
        _body(document, one) for document, one in ((api.old, old), (api.new, new))
    )  # fmt: skip
    if before is None and after is None:
        return
    if before is None or after is None:
        if before is not None:
            api.say("body-removed", flipped, label, before[1], None)
        elif after is not None:
            word = "body-added-required" if after[0].get("required") is True else "body-added-optional"
            api.say(word, flipped, label, None, after[1])
        return
    was, now = (one[0].get("required") is True for one in (before, after))
    if was != now:
        word = "body-became-required" if now else "body-became-optional"
        api.say(word, flipped, label, (before[1], "required"), (after[1], "required"), was, now)
    media(api, "request", label, before, after, flipped)


def _body(document: Any, operation: Placed) -> Placed | None:
    raw = operation[0].get("requestBody")
    if raw is None:
        return None
    value, place = document.follow(raw, (operation[1], "requestBody"))
    if not isinstance(value, Mapping):
        raise ContractInvalid(read(place), "A request body is an object.")
    return value, place


def media(api: ApiComparison, area: Direction, label: str, old: Placed, new: Placed, flipped: bool) -> None:
    """The media types of a body, each with its schema."""
    before, after = _content(old), _content(new)
    for name, (value, place) in before.items():
        other = _counterpart(name, after)
        if other is None:
            api.say(f"{area}-media-type-removed", flipped, label, place, None, name, ABSENT, name)
            continue
        _ranges(api, area, label, (name, place), (other, after[other][1]), flipped)
        _schemas(api, area, label, name, (value, place), after[other], flipped)
    for name, (value, place) in after.items():
        if name not in before and _counterpart(name, before) is None and not _covered(name, before):
            api.say(f"{area}-media-type-added", flipped, label, None, place, ABSENT, name, name)
        elif name not in before and (wide := _covered(name, before)):
            _schemas(api, area, label, name, before[wide], (value, place), flipped)


def _counterpart(name: str, others: Mapping[str, Placed]) -> str | None:
    """The same type, the same but for its parameters, a range that covers it, or one that lies in this range."""
    if name in others:
        return name
    same = next((other for other in others if essence(other) == essence(name)), None)
    return same or declared(name, others) or (next((one for one in others if declared(one, [name])), None))


def _covered(name: str, others: Mapping[str, Placed]) -> str | None:
    found = declared(name, others)
    return found if found is not None and "*" in found else None


def _ranges(
    api: ApiComparison, area: Direction, label: str, old: tuple[str, Place], new: tuple[str, Place], flipped: bool
) -> None:
    wide = [one[0].count("*") for one in (old, new)]
    if wide[0] != wide[1]:
        word = f"{area}-media-type-{'widened' if wide[1] > wide[0] else 'narrowed'}"
        api.say(word, flipped, label, old[1], new[1], old[0], new[0], f"{old[0]} became {new[0]}")


def _schemas(
    api: ApiComparison, area: Direction, label: str, media: str, old: Placed, new: Placed, flipped: bool
) -> None:
    label = f"{label}, {media}"
    opposite: dict[Direction, Direction] = {"request": "response", "response": "request"}
    direction = opposite[area] if flipped else area
    pairs = [
        None if one[0].get("schema") is None else (one[0]["schema"], (one[1], "schema")) for one in (old, new)
    ]  # fmt: skip
    if pairs != [None, None]:
        api.compare(direction, _text(media), label, *pairs)
    if area == "request":
        before, after = (_encodings(one[0]) for one in (old, new))
        for name in before.keys() & after.keys():
            if before[name] != after[name]:
                at = (deeper(old[1], "encoding", name), deeper(new[1], "encoding", name))
                api.say("request-encoding-changed", flipped, label, *at, before[name], after[name], name)


def _text(media: str) -> Text:
    """Forms have texts only; the parts of a multipart body have types of their own."""
    return "form" if essence(media) == "application/x-www-form-urlencoded" else ""


def _encodings(content: Mapping[str, Any]) -> dict[str, Any]:
    found = content.get("encoding")
    if not isinstance(found, Mapping):
        return {}
    words = ("contentType", "style", "explode", "allowReserved")
    return {
        name: {word: one[word] for word in words if word in one}
        for name, one in found.items()
        if isinstance(one, Mapping)
    }


def _content(placed: Placed) -> dict[str, Placed]:
    content = placed[0].get("content")
    if content is None:
        return {}
    if not isinstance(content, Mapping):
        raise ContractInvalid(read((placed[1], "content")), "content is no object.")
    return {
        name: (value if isinstance(value, Mapping) else {}, deeper(placed[1], "content", name))
        for name, value in content.items()
        if not name.startswith("x-")
    }
