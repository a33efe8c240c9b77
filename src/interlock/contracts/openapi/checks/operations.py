"""One operation on both sides: its name, its end, and what it takes, gives and calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.contracts.openapi.api_comparison import ApiComparison
from interlock.contracts.openapi.checks import bodies, parameters, responses, security
from interlock.contracts.openapi.lifecycle import sunset_of
from interlock.contracts.openapi.place import Place, deeper
from interlock.contracts.pointer import ABSENT

# Each operation, its place, and the path item around it with its own place.
Placed = tuple[Mapping[str, Any], Place, tuple[Mapping[str, Any], Place]]
_STABILITY = ("draft", "alpha", "beta", "stable")
_TEXTS = ("summary", "description", "externalDocs")
_OWN_EXTENSIONS = frozenset({"x-sunset", "x-stability-level"})


def check(api: ApiComparison, label: str, old: Placed, new: Placed, flipped: bool) -> None:
    _names(api, label, old, new, flipped)
    lifecycle(api, "operation", label, (old[0], old[1]), (new[0], new[1]), flipped)
    _stability(api, label, old, new, flipped)
    parameters.check(api, label, old, new, flipped)
    bodies.check(api, label, (old[0], old[1]), (new[0], new[1]), flipped)
    responses.check(api, label, (old[0], old[1]), (new[0], new[1]), flipped)
    security.check(api, label, (old[0], old[1]), (new[0], new[1]), flipped)
    _callbacks(api, label, old, new, flipped)


def lifecycle(
    api: ApiComparison, stem: str, label: str, old: tuple[Any, Place], new: tuple[Any, Place], flipped: bool
) -> None:
    """Of an operation or a parameter: deprecated, taken back, or ending sooner."""
    was, now = (one[0].get("deprecated") is True for one in (old, new))
    places = ((old[1], "deprecated"), (new[1], "deprecated"))
    if now and not was:
        known = stem != "operation" or sunset_of(new[0].get("x-sunset")) is not None
        api.say(f"{stem}-deprecated{'' if known else '-without-sunset'}", flipped, label, None, places[1], ABSENT, True)
    elif was and not now:
        api.say(f"{stem}-reactivated", flipped, label, places[0], None, True)
    elif was and now:
        before, after = (sunset_of(one[0].get("x-sunset")) for one in (old, new))
        if before is not None and (after is None or after < before):
            told = (one[0].get("x-sunset", ABSENT) for one in (old, new))
            api.say(f"{stem}-sunset-shortened", flipped, label, (old[1], "x-sunset"), (new[1], "x-sunset"), *told)


def _names(api: ApiComparison, label: str, old: Placed, new: Placed, flipped: bool) -> None:
    for word, keyword in (("operation-id-changed", "operationId"), ("operation-tags-changed", "tags")):
        _differing(api, word, keyword, label, old, new, flipped)
    for keyword in _TEXTS:
        _differing(api, "operation-texts-changed", keyword, label, old, new, flipped)
    for keyword in sorted({*old[0], *new[0]} - _OWN_EXTENSIONS):
        if keyword.startswith("x-"):
            _differing(api, "operation-extension-changed", keyword, label, old, new, flipped)


def _differing(
    api: ApiComparison, word: str, keyword: str, label: str, old: Placed, new: Placed, flipped: bool
) -> None:
    before, after = (one[0].get(keyword, ABSENT) for one in (old, new))
    if before != after:
        api.say(word, flipped, label, (old[1], keyword), (new[1], keyword), before, after, keyword)


def _stability(api: ApiComparison, label: str, old: Placed, new: Placed, flipped: bool) -> None:
    before, after = (one[0].get("x-stability-level", ABSENT) for one in (old, new))
    if before in _STABILITY and after in _STABILITY and before != after:
        lower = _STABILITY.index(after) < _STABILITY.index(before)
        places = ((old[1], "x-stability-level"), (new[1], "x-stability-level"))
        word = "operation-stability-lowered" if lower else "operation-stability-raised"
        api.say(word, flipped, label, *places, before, after)


def _callbacks(api: ApiComparison, label: str, old: Placed, new: Placed, flipped: bool) -> None:
    """What the API calls in turn: the other way round."""
    from interlock.contracts.openapi.checks.paths import items  # an operation holds paths, as a path holds operations

    before, after = (_called(document, one) for document, one in ((api.old, old), (api.new, new)))
    for key in dict.fromkeys((*before, *after)):
        name = f"{label}, callback {key[0]}"
        if key not in after:
            api.say("callback-removed", False, name, before[key][1], None, key[0], ABSENT, key[1])
        elif key not in before:
            api.say("callback-added", False, name, None, after[key][1], ABSENT, key[0], key[1])
        else:
            items(api, name, before[key], after[key], not flipped)


def _called(document: Any, operation: Placed) -> dict[tuple[str, str], tuple[Mapping[str, Any], Place]]:
    """Path items by the name and the expression of their callback."""
    found = {}
    callbacks = operation[0].get("callbacks")
    for name, callback in (callbacks if isinstance(callbacks, Mapping) else {}).items():
        value, place = document.follow(callback, deeper(operation[1], "callbacks", name))
        for expression, item in (value if isinstance(value, Mapping) else {}).items():
            if not expression.startswith("x-"):
                target, there = document.follow(item, deeper(place, expression))
                if isinstance(target, Mapping):
                    found[name, expression] = (target, there)
    return found
