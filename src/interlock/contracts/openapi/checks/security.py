"""Security: who may call, by which schemes and scopes, and how the schemes work.

The requirements of an operation are alternatives, and each names what a caller needs at once. Whoever fulfilled an old
alternative has to fulfil some new one with what he has. A scheme that has another name is the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from interlock.contracts.openapi.api_comparison import ApiComparison
from interlock.contracts.openapi.api_document import ApiDocument, dumped
from interlock.contracts.openapi.place import Place, deeper
from interlock.contracts.pointer import ABSENT

Placed = tuple[Mapping[str, Any], Place]
# By the identity of a scheme, the scopes that are needed.
Alternative = dict[str, frozenset[str]]
_WORKS_BY = ("type", "in", "name", "scheme", "openIdConnectUrl")
_URLS = ("authorizationUrl", "tokenUrl", "refreshUrl")


def unchanged(api: ApiComparison) -> bool:
    """Whether operations that are the same in both documents need no look at their security."""
    return api.twins.same(api.old.root.get("security"), api.new.root.get("security")) and not _renamed(api)


def check(api: ApiComparison, label: str, old: Placed, new: Placed, flipped: bool) -> None:
    before, was_at = _needed(api.old, old, {})
    after, is_at = _needed(api.new, new, _renamed(api))
    if before == after:
        return
    if _free(before) and not _free(after):
        api.say("security-added", flipped, label, None, is_at, ABSENT, _said(new, api.new))
    elif _free(after) and not _free(before):
        api.say("security-removed", flipped, label, was_at, None, _said(old, api.old))
    else:
        _alternatives(api, label, before, after, (was_at, is_at), flipped)


def _alternatives(
    api: ApiComparison, label: str, old: list[Alternative], new: list[Alternative], places: tuple[Place, Place],
    flipped: bool,
) -> None:  # fmt: skip
    for one in old:
        if any(_fulfils(one, other) for other in new):
            continue
        like = next((other for other in new if other.keys() == one.keys()), None)
        if like is None:
            api.say("security-alternative-removed", flipped, label, places[0], None, _text(one), ABSENT, _text(one))
            continue
        for scheme in like:
            for scope in sorted(like[scheme] - one[scheme]):
                api.say("security-scope-added", flipped, label, *places, ABSENT, scope, f"{scheme}: {scope}")
    for one in new:
        like = next((other for other in old if other.keys() == one.keys()), None)
        if like is None:
            api.say("security-alternative-added", flipped, label, None, places[1], ABSENT, _text(one), _text(one))
            continue
        for scheme in one:
            for scope in sorted(like[scheme] - one[scheme]):
                api.say("security-scope-removed", flipped, label, *places, scope, ABSENT, f"{scheme}: {scope}")


def _fulfils(caller: Alternative, needed: Alternative) -> bool:
    return all(scheme in caller and scopes <= caller[scheme] for scheme, scopes in needed.items())


def _free(alternatives: Iterable[Alternative]) -> bool:
    return any(not one for one in alternatives)


def _needed(document: ApiDocument, operation: Placed, renamed: Mapping[str, str]) -> tuple[list[Alternative], Place]:
    """The alternatives; none at all is one that asks nothing."""
    own = operation[0].get("security")
    place: Place = ((), "security") if own is None else (operation[1], "security")
    listed = document.root.get("security") if own is None else own
    found = [
        {
            renamed.get(name, name): frozenset(map(str, scopes if isinstance(scopes, list) else ()))
            for name, scopes in one.items()
        }
        for one in (listed if isinstance(listed, list) else ())
        if isinstance(one, Mapping)
    ]
    return found or [{}], place


def _scopes(listed: Any) -> frozenset[str]:
    return frozenset(map(str, listed)) if isinstance(listed, list) else frozenset()


def _said(operation: Placed, document: ApiDocument) -> Any:
    return operation[0].get("security", document.root.get("security", ABSENT))


def _renamed(api: ApiComparison) -> dict[str, str]:
    """The old names of schemes that work as before under another name."""
    old, new = (document.section("components", "securitySchemes") for document in (api.old, api.new))
    gone = {dumped(_working(value)): name for name, value in old.items() if name not in new}
    come = {name: dumped(_working(value)) for name, value in new.items() if name not in old}
    return {name: gone[key] for name, key in come.items() if key in gone}


def _working(scheme: Any) -> Any:
    """A scheme without what is told to people."""
    if not isinstance(scheme, Mapping):
        return scheme
    return {name: value for name, value in scheme.items() if name != "description" and not name.startswith("x-")}


def _text(alternative: Alternative) -> str:
    return " and ".join(sorted(alternative)) or "nobody in particular"


def schemes(api: ApiComparison) -> None:
    """The schemes themselves, of the same name."""
    old, new = (document.section("components", "securitySchemes") for document in (api.old, api.new))
    for name in old.keys() & new.keys():
        before, after = (
            document.follow(one[name], deeper((), "components", "securitySchemes", name))
            for document, one in ((api.old, old), (api.new, new))
        )
        if isinstance(before[0], Mapping) and isinstance(after[0], Mapping) and before[0] != after[0]:
            _scheme(api, f"security scheme {name}", before, after)


def _scheme(api: ApiComparison, label: str, old: Placed, new: Placed) -> None:
    for word in _WORKS_BY:
        before, after = (_plain(one[0].get(word, ABSENT)) for one in (old, new))
        if before != after and not (word == "name" and "apiKey" not in (old[0].get("type"), new[0].get("type"))):
            at = ((old[1], word), (new[1], word))
            api.say("security-scheme-changed", False, label, *at, before, after, word)
    hints = [one[0].get("bearerFormat", ABSENT) for one in (old, new)]
    if hints[0] != hints[1]:
        at = ((old[1], "bearerFormat"), (new[1], "bearerFormat"))
        api.say("security-scheme-hint-changed", False, label, *at, *hints)
    before, after = (_mapping(one[0].get("flows")) for one in (old, new))
    for flow in dict.fromkeys((*before, *after)):
        places = (deeper(old[1], "flows", flow), deeper(new[1], "flows", flow))
        if flow not in after:
            api.say("oauth-flow-removed", False, label, places[0], None, flow, ABSENT, flow)
        elif flow not in before:
            api.say("oauth-flow-added", False, label, None, places[1], ABSENT, flow, flow)
        else:
            _flow(api, label, (_mapping(before[flow]), places[0]), (_mapping(after[flow]), places[1]))


def _flow(api: ApiComparison, label: str, old: Placed, new: Placed) -> None:
    for word in _URLS:
        before, after = (one[0].get(word, ABSENT) for one in (old, new))
        if before != after and before is not ABSENT:
            api.say("security-scheme-changed", False, label, (old[1], word), (new[1], word), before, after, word)
    scopes = [_mapping(one[0].get("scopes")) for one in (old, new)]
    for scope in dict.fromkeys((*scopes[0], *scopes[1])):
        at = (deeper(old[1], "scopes", scope), deeper(new[1], "scopes", scope))
        if scope not in scopes[1]:
            api.say("oauth-scope-removed", False, label, at[0], None, scope, ABSENT, scope)
        elif scope not in scopes[0]:
            api.say("oauth-scope-added", False, label, None, at[1], ABSENT, scope, scope)


def _plain(value: Any) -> Any:
    """Names of HTTP schemes and headers are the same in any case."""
    return value.lower() if isinstance(value, str) and "://" not in value else value


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
