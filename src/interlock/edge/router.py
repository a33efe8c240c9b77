"""Which handler serves a method and path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from interlock.edge.exchange import NO_PARAMS, Handler
from interlock.model.problems import EstateInvalid, MalformedRequest, MethodNotAllowed, NotFound

Segments = tuple[str, ...]


class Route(NamedTuple):
    """guarded: admission may refuse it. Health and metrics are not: they matter most when nothing else gets in."""

    method: str
    template: str
    handler: Handler
    guarded: bool


class Match(NamedTuple):
    route: Route
    path: str
    query: str
    params: Mapping[str, str]


class Router:
    """Exact paths first, then templates in order of registration. Paths compare as sent, but for the variables."""

    def __init__(self) -> None:
        self._exact: dict[str, dict[str, Route]] = {}
        self._templates: dict[Segments, dict[str, Route]] = {}
        self._quick: dict[tuple[bytes, bytes], Match] = {}
        self._mounts: dict[str, Handler] = {}

    def add(self, method: str, template: str, handler: Handler, *, guarded: bool = True) -> None:
        """Serve `template`, in which a segment `{name}` stands for any one segment. GET also serves HEAD.

        Raises EstateInvalid when that method and template are served already.
        """
        if any(template == prefix or template.startswith(f"{prefix}/") for prefix in self._mounts):
            raise EstateInvalid(
                f"{template} lies below an address that serves something else.",
                next_step="Give the operation another path.",
            )
        route = Route(method, template, handler, guarded)
        exact = "{" not in template
        table = self._exact.setdefault(template, {}) if exact else self._variables(template)
        if method in table:
            raise EstateInvalid(f"{method} {template} is served already.", next_step="Give the operation another path.")
        for word in (method, "HEAD") if method == "GET" else (method,):
            table.setdefault(word, route)
            if exact:
                self._quick[(word.encode(), template.encode())] = Match(route, template, "", NO_PARAMS)

    def mount(self, prefix: str, handler: Handler) -> None:
        """Leave every method and path at and below `prefix` to one handler; "" is everything that is not added."""
        self._mounts[prefix] = handler

    def find(self, method: bytes, target: bytes) -> Match:
        """The route of a request target (RFC 9112 section 3.2). Raises NotFound, MethodNotAllowed, MalformedRequest."""
        quick = self._quick.get((method, target))
        return quick if quick is not None else self._search(method.decode("latin-1"), target)

    def allowed(self, target: bytes) -> str:
        """The value of the Allow header for a target that exists."""
        path, _ = _split(target)
        methods, _ = self._methods(path)
        return ", ".join(sorted(methods))

    def _variables(self, template: str) -> dict[str, Route]:
        return self._templates.setdefault(tuple(template.split("/")), {})

    def _search(self, method: str, target: bytes) -> Match:
        path, query = _split(target)
        methods, params = self._methods(path)
        if not methods:
            for prefix, handler in self._mounts.items():
                if path == prefix or path.startswith(f"{prefix}/"):
                    word = "GET" if method == "HEAD" else method
                    return Match(Route(word, prefix, handler, True), path, query, NO_PARAMS)
            raise NotFound("Nothing is served at this address.")
        route = methods.get(method)
        if route is None:
            raise MethodNotAllowed(f"This address does not take {method}.")
        return Match(route, path, query, params)

    def _methods(self, path: str) -> tuple[dict[str, Route], Mapping[str, str]]:
        exact = self._exact.get(path)
        if exact is not None:
            return exact, NO_PARAMS
        parts = tuple(path.split("/"))
        for template, methods in self._templates.items():
            params = _bind(template, parts)
            if params is not None:
                return methods, params
        return {}, NO_PARAMS


def _bind(template: Segments, parts: Segments) -> dict[str, str] | None:
    if len(template) != len(parts):
        return None
    params: dict[str, str] = {}
    for pattern, part in zip(template, parts, strict=True):
        if pattern.startswith("{") and pattern.endswith("}") and part:
            params[pattern[1:-1]] = _decoded(part)
        elif pattern != part:
            return None
    return params


def _decoded(part: str) -> str:
    try:
        return unquote(part, errors="strict")
    except UnicodeDecodeError as error:
        raise MalformedRequest("A path segment is not UTF-8 after percent-decoding.") from error


def _split(target: bytes) -> tuple[str, str]:
    """Path and query of origin-form or absolute-form."""
    if not target.isascii():
        raise MalformedRequest("The request target holds bytes beyond ASCII; percent-encode them.")
    text = target.decode("ascii")
    if not text.startswith("/"):
        try:
            absolute = urlsplit(text)
        except ValueError as error:
            raise MalformedRequest("The request target is no valid URI.") from error
        return absolute.path or "/", absolute.query
    path, _, query = text.partition("?")
    return path, query
