"""Whether a request carries the credentials that an operation declares (OpenAPI 3.1, 4.8.27). Any will do."""

from __future__ import annotations

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

from interlock.contracts.api.description import ApiDescription, Operation
from interlock.contracts.mock.exchange import MockRequest

_BEARER = frozenset({"oauth2", "openIdConnect"})


def challenge(api: ApiDescription, operation: Operation, request: MockRequest) -> str | None:
    """None when the request may pass; else the value of WWW-Authenticate (RFC 9110 section 11.6.1)."""
    if not operation.security:
        return None
    lacking: list[str] = []
    for alternative in operation.security:
        missing = [name for name in alternative if not _is_given(api.schemes.get(name), request)]
        if not missing:
            return None
        lacking += missing
    words = dict.fromkeys(_word(api.schemes.get(name)) for name in lacking)
    return ", ".join(words)


def _is_given(scheme: Any, request: MockRequest) -> bool:
    if not isinstance(scheme, Mapping):
        return True  # the contract names a scheme that it does not describe: nothing can be asked
    kind = scheme.get("type")
    if kind == "apiKey":
        return _has_key(scheme, request)
    if kind == "mutualTLS":
        return True  # below HTTP; a mock on plain TCP cannot see it
    sent = request.headers.get("authorization", "").partition(" ")
    return bool(sent[2].strip()) and sent[0].lower() == _word(scheme).lower()


def _has_key(scheme: Mapping[str, Any], request: MockRequest) -> bool:
    name = str(scheme.get("name", ""))
    if scheme.get("in") == "header":
        return bool(request.headers.get(name.lower()))
    if scheme.get("in") == "query":
        return any(other == name and text for other, text in request.pairs)
    return any(other == name and text for other, text in cookies(request))


def _word(scheme: Any) -> str:
    if not isinstance(scheme, Mapping) or scheme.get("type") in _BEARER:
        return "Bearer"
    return str(scheme.get("scheme", "ApiKey")).capitalize() if scheme.get("type") == "http" else "ApiKey"


def cookies(request: MockRequest) -> list[tuple[str, str]]:
    """Names and values of the Cookie header; nothing from one that is none."""
    try:
        return [(name, one.value) for name, one in SimpleCookie(request.headers.get("cookie", "")).items()]
    except CookieError:
        return []
