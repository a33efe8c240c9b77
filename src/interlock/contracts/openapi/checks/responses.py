"""Answers: by status, with their bodies, headers and links.

A reader looks for the exact status, then its class (4XX), then default (OpenAPI 3.1, 4.8.16); so does the comparison.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.openapi.api_comparison import ApiComparison
from interlock.contracts.openapi.checks import bodies, headers
from interlock.contracts.openapi.place import Place, deeper, read
from interlock.contracts.pointer import ABSENT

Placed = tuple[Mapping[str, Any], Place]


def check(api: ApiComparison, label: str, old: Placed, new: Placed, flipped: bool) -> None:
    before, after = (
        _answers(document, one) for document, one in ((api.old, old), (api.new, new))
    )  # fmt: skip
    for status, answer in before.items():
        name = f"{label}, answer {status}"
        other = status if status in after else _covering(status, after)
        if other is not None:
            _both(api, name, answer, after[other], flipped)
        else:
            stem = "response-status" if _is_success(status) else "response-other-status"
            api.say(f"{stem}-removed", flipped, name, answer[1], None, status)
    for status, answer in after.items():
        if status in before:
            continue
        name = f"{label}, answer {status}"
        known = _covering(status, before)
        if known is not None and _is_success(status) and (known != "default" or not _any_success(before)):
            _both(api, name, before[known], answer, flipped)  # readers of the old one know it by its class
        stem = "response-status" if _is_success(status) else "response-other-status"
        api.say(f"{stem}-added", flipped, name, None, answer[1], ABSENT, status)


def _both(api: ApiComparison, label: str, old: Placed, new: Placed, flipped: bool) -> None:
    if api.twins.same(old[0], new[0]):
        return
    told = [one[0].get("description", ABSENT) for one in (old, new)]
    if told[0] != told[1]:
        at = ((old[1], "description"), (new[1], "description"))
        api.say("answer-texts-changed", flipped, label, *at, *told)
    bodies.media(api, "response", label, old, new, flipped)
    headers.check(api, label, old, new, flipped)
    _links(api, label, old, new, flipped)


def _links(api: ApiComparison, label: str, old: Placed, new: Placed, flipped: bool) -> None:
    before, after = (_mapping(one[0].get("links")) for one in (old, new))
    for name in dict.fromkeys((*before, *after)):
        if name not in after:
            api.say("response-link-removed", flipped, label, deeper(old[1], "links", name), None, name, ABSENT, name)
        elif name not in before:
            api.say("response-link-added", flipped, label, None, deeper(new[1], "links", name), ABSENT, name, name)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _answers(document: Any, operation: Placed) -> dict[str, Placed]:
    raw = operation[0].get("responses")
    if raw is None:
        return {}
    place: Place = (operation[1], "responses")
    if not isinstance(raw, Mapping):
        raise ContractInvalid(read(place), "responses is no object.")
    found = {}
    for status, one in raw.items():
        if status.startswith("x-"):
            continue
        value, there = document.follow(one, (place, status))
        if value is not None and not isinstance(value, Mapping):
            raise ContractInvalid(read(there), "An answer is an object.")
        found[status.upper() if status != "default" else status] = (value or {}, there)
    return found


def _covering(status: str, others: Mapping[str, Placed]) -> str | None:
    for key in (f"{status[:1]}XX", "default"):
        if key in others and key != status:
            return key
    return None


def _is_success(status: str) -> bool:
    return status.startswith("2")


def _any_success(answers: Mapping[str, Placed]) -> bool:
    """Whether default is for the other answers only."""
    return any(_is_success(status) for status in answers)
