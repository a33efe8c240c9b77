"""Values of a request that the provider's state decides (Pact specification 3 and 4, 'Generators': ProviderState).

The other generators (a random number, the time of day …) keep the example of the file: it fits its own matchers.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Any

from interlock.contracts.pact.matching import Unverifiable
from interlock.contracts.pact.pact_file import Part
from interlock.contracts.pact.rules import path_tokens

_ENTRY = re.compile(r"\[\d+\]\Z")  # values of the query are told entry by entry: id[0] is of id
_PLACEHOLDER = re.compile(r"\$\{([^{}]+)\}")


def with_state(part: Part, values: Mapping[str, Any]) -> Part:
    """The request with what the states answered. Raises Unverifiable where they did not say it."""
    path, query, headers, body = part.path, part.query, dict(part.headers), part.body
    for _, expression in _of(part, "path"):
        path = _text(_value(expression, values))
    for name, expression in _of(part, "query"):
        said = _text(_value(expression, values))
        query = tuple((other, said if other == name else text) for other, text in query)
    for name, expression in _of(part, "header"):
        headers[name.lower()] = _text(_value(expression, values))
    for name, expression in _of(part, "body"):
        body = _replaced(body, path_tokens(name), _value(expression, values))
    return dataclasses.replace(part, path=path, query=query, headers=headers, body=body)


def _of(part: Part, where: str) -> Iterator[tuple[str, str]]:
    """Names and expressions; the path has no names, and stands there itself or below an empty one."""
    found = part.generators.get(where)
    if not isinstance(found, Mapping):
        return
    for name, one in ({"": found} if isinstance(found.get("type"), str) else found).items():
        if isinstance(one, Mapping) and one.get("type") == "ProviderState":
            yield _ENTRY.sub("", name) if where != "body" else name, str(one.get("expression", ""))


def _value(expression: str, values: Mapping[str, Any]) -> Any:
    """`${id}` and `id` are the value itself; amid other text it is inserted."""
    whole = _PLACEHOLDER.fullmatch(expression)
    if whole is not None or "${" not in expression:
        return _said(whole[1] if whole else expression, values)
    return _PLACEHOLDER.sub(lambda match: _text(_said(match[1], values)), expression)


def _said(name: str, values: Mapping[str, Any]) -> Any:
    if name not in values:
        raise Unverifiable(f"the answer of the provider's state has no {name}, which the request needs")
    return values[name]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _replaced(body: Any, tokens: tuple[str, ...], value: Any) -> Any:
    if not tokens:
        return value
    first, rest = tokens[0], tokens[1:]
    if isinstance(body, list):
        return [_replaced(one, rest, value) if first in ("*", str(at)) else one for at, one in enumerate(body)]
    if isinstance(body, dict):
        return {name: _replaced(one, rest, value) if first in ("*", name) else one for name, one in body.items()}
    return body
