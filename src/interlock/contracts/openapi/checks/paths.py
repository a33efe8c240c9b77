"""The document as a whole: servers, paths by template, webhooks. Templates that differ in names only are one path."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.openapi.api_comparison import ApiComparison
from interlock.contracts.openapi.api_document import ApiDocument
from interlock.contracts.openapi.checks import operations, security
from interlock.contracts.openapi.place import Place, deeper, read
from interlock.contracts.pointer import ABSENT

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_VARIABLE = re.compile(r"\{([^{}]*)\}")
Item = tuple[Mapping[str, Any], Place]


def check(api: ApiComparison) -> None:
    _texts(api)
    _servers(api)
    security.schemes(api)
    old, new = _by_template(api.old), _by_template(api.new)
    renamed = _matched(old, new)
    for path, item in old.items():
        other = renamed.get(path)
        if other is None:
            _removed(api, path, item)
        else:
            _both(api, path, other, item, new[other])
    for path in new.keys() - set(renamed.values()):
        api.say("path-added", False, path, None, new[path][1], ABSENT, path)
    _webhooks(api)


def items(api: ApiComparison, label: str, old: Item, new: Item, flipped: bool) -> None:
    """The operations of one path; of a callback or webhook, when flipped."""
    for method in METHODS:
        before, after = (_operation(item, method) for item in (old, new))
        name = f"{method.upper()} {label}"
        there = (deeper(old[1], method), deeper(new[1], method))
        if before is not None and after is not None:
            operations.check(api, name, (before, there[0], old), (after, there[1], new), flipped)
        elif before is not None:
            word = "operation-removed-after-sunset" if api.ended(before) else "operation-removed"
            api.say(word, flipped, name, there[0], None, method)
        elif after is not None:
            api.say("operation-added", flipped, name, None, there[1], ABSENT, method)


def _operation(item: Item, method: str) -> Mapping[str, Any] | None:
    found = item[0].get(method)
    if found is not None and not isinstance(found, Mapping):
        raise ContractInvalid(read(deeper(item[1], method)), "An operation is an object.")
    return found


def _both(api: ApiComparison, old_path: str, new_path: str, old: Item, new: Item) -> None:
    variables = [_VARIABLE.findall(path) for path in (old_path, new_path)]
    for before, after in zip(*variables, strict=True):
        if before != after:
            api.say(
                "path-parameter-renamed", False, old_path, old[1], new[1], before, after, f"{before} became {after}"
            )
    if old_path == new_path and security.unchanged(api) and api.twins.same(old[0], new[0]):
        return
    items(api, old_path, old, new, False)


def _removed(api: ApiComparison, path: str, item: Item) -> None:
    found = [one for method in METHODS if (one := _operation(item, method)) is not None]
    ended = bool(found) and all(api.ended(one) for one in found)
    word = "path-removed-after-sunset" if ended else "path-removed"
    api.say(word, False, path, item[1], None, path)


def _by_template(document: ApiDocument) -> dict[str, Item]:
    found = {}
    for path, item in document.section("paths").items():
        if path.startswith("x-"):
            continue
        found[path] = _item(document, item, deeper((), "paths", path))
    return found


def _item(document: ApiDocument, item: Any, place: Place) -> Item:
    """What a path item says, with what it refers to (3.1, 4.8.9: siblings of the reference count)."""
    if isinstance(item, dict) and isinstance(item.get("$ref"), str):
        own = {name: value for name, value in item.items() if name != "$ref"}
        target, there = document.follow(item, place)
        return ({**target, **own}, there) if own and isinstance(target, Mapping) else _checked(target, there)
    return _checked({} if item is None else item, place)


def _checked(item: Any, place: Place) -> Item:
    if not isinstance(item, Mapping):
        raise ContractInvalid(read(place), "A path item is an object.")
    return item, place


def _matched(old: Iterable[str], new: Mapping[str, Item]) -> dict[str, str]:
    """By the same text, or else by the same template."""
    found = {path: path for path in old if path in new}
    taken = set(found)
    open_ends = {_VARIABLE.sub("{}", path): path for path in new if path not in taken}
    for path in old:
        if path not in found:
            other = open_ends.pop(_VARIABLE.sub("{}", path), None)
            if other is not None:
                found[path] = other
    return found


def _webhooks(api: ApiComparison) -> None:
    old, new = (document.section("webhooks") for document in (api.old, api.new))
    for name in dict.fromkeys((*old, *new)):
        place = deeper((), "webhooks", name)
        label = f"webhook {name}"
        if name not in new:
            api.say("webhook-removed", False, label, place, None, name)
        elif name not in old:
            api.say("webhook-added", False, label, None, place, ABSENT, name)
        elif not api.twins.same(old[name], new[name]):
            items(api, label, _item(api.old, old[name], place), _item(api.new, new[name], place), True)


def _texts(api: ApiComparison) -> None:
    for word in ("info", "tags", "externalDocs"):
        old, new = (document.root.get(word, ABSENT) for document in (api.old, api.new))
        if _without_version(old) != _without_version(new):
            api.say("document-texts-changed", False, "the document", ((), word), ((), word), old, new, word)


def _without_version(value: Any) -> Any:
    """A version is what the comparison is about, and no change of its own."""
    return {name: one for name, one in value.items() if name != "version"} if isinstance(value, dict) else value


def _servers(api: ApiComparison) -> None:
    old, new = (_urls(document) for document in (api.old, api.new))
    for url in old.keys() - new.keys():
        api.say("server-removed", False, "the document", old[url], None, url, ABSENT, url)
    for url in new.keys() - old.keys():
        api.say("server-added", False, "the document", None, new[url], ABSENT, url, url)


def _urls(document: ApiDocument) -> dict[str, Place]:
    servers = document.root.get("servers")
    listed = enumerate(servers if isinstance(servers, list) else ())
    return {str(one.get("url", "")): deeper((), "servers", str(at)) for at, one in listed if isinstance(one, Mapping)}
