"""Headers of answers. Their names are the same in any case (RFC 9110, section 5.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.openapi.api_comparison import ApiComparison
from interlock.contracts.openapi.checks import parameters
from interlock.contracts.openapi.place import Place, deeper, read
from interlock.contracts.openapi.schema_node import Direction
from interlock.contracts.pointer import ABSENT

Placed = tuple[Mapping[str, Any], Place]


def check(api: ApiComparison, label: str, old: Placed, new: Placed, flipped: bool) -> None:
    before, after = (_all(document, one) for document, one in ((api.old, old), (api.new, new)))
    for key in dict.fromkeys((*before, *after)):
        name = f"{label}, header {key}"
        if key not in after:
            api.say("response-header-removed", flipped, name, before[key][1], None, key)
        elif key not in before:
            word = f"response-header-added-{'required' if _required(after[key]) else 'optional'}"
            api.say(word, flipped, name, None, after[key][1], ABSENT, key)
        elif not api.twins.same(before[key][0], after[key][0]):
            _both(api, name, before[key], after[key], flipped)


def _both(api: ApiComparison, label: str, old: Placed, new: Placed, flipped: bool) -> None:
    if _required(old) != _required(new):
        word = f"response-header-became-{'required' if _required(new) else 'optional'}"
        api.say(word, flipped, label, (old[1], "required"), (new[1], "required"), _required(old), _required(new))
    media = [next(iter(one[0].get("content") or {}), ABSENT) for one in (old, new)]
    if media[0] != media[1]:
        api.say("response-header-content-changed", flipped, label, old[1], new[1], *media)
        return
    explode = [one[0].get("explode") is True for one in (old, new)]
    if explode[0] != explode[1]:
        at = ((old[1], "explode"), (new[1], "explode"))
        api.say("response-header-style-changed", flipped, label, *at, *explode)
    direction: Direction = "request" if flipped else "response"
    parameters.value(api, direction, label, old, new)


def _all(document: Any, answer: Placed) -> dict[str, Placed]:
    raw = answer[0].get("headers")
    found: dict[str, Placed] = {}
    for name, header in (raw if isinstance(raw, Mapping) else {}).items():
        value, place = document.follow(header, deeper(answer[1], "headers", name))
        if not isinstance(value, Mapping):
            raise ContractInvalid(read(place), "A header is an object.")
        if name.lower() != "content-type":  # said by the media types
            found[name.lower()] = (value, place)
    return found


def _required(placed: Placed) -> bool:
    return placed[0].get("required") is True
