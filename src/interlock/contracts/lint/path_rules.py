"""Rules for the paths of OpenAPI documents and their variables."""

from __future__ import annotations

import re
from typing import Any

from interlock.contracts.lint.operation import METHODS
from interlock.contracts.lint.operation_rules import get
from interlock.contracts.lint.rule import Flaws, LintRule
from interlock.contracts.lint.samples import API
from interlock.contracts.lint.scene import Scene

# Bare names, and those of URI templates (RFC 6570) that some generators write: {;name*}.
_TEMPLATE = re.compile(r"\{[;?/.+#&]*([^{}*]*)\*?\}")
_KEBAB = re.compile(r"[a-z0-9]+(?:[-._~][a-z0-9]+)*")
_VERBS = frozenset(
    {"add", "cancel", "create", "delete", "edit", "fetch", "find", "get", "insert", "list", "make", "post", "put"}
    | {"read", "remove", "retrieve", "set", "update"}
)  # fmt: skip
_VERB_FIRST = re.compile(r"([a-z]+)(?:[A-Z_-]|$)")


def _path(name: str) -> str:
    operation = (
        '{"get": {"operationId": "other", "summary": "Other.", "description": "Other.", "tags": ["orders"],'
        ' "responses": {"200": {"description": "It."}}}}'
    )
    return '{"paths": {"' + name + '": ' + operation + "}}"


def _path_parameters(node: Any, scene: Scene) -> Flaws:
    """Of a path item: what its template names must be declared for each operation."""
    template = scene.token()
    if not template.startswith("/") or scene.token(1) != "paths":
        return
    named = set(_TEMPLATE.findall(template))
    shared = {str(one.get("name")) for _, one in scene.objects(node.get("parameters")) if one.get("in") == "path"}
    for method, operation in node.items():
        if not isinstance(operation, dict) or method not in METHODS:
            continue
        own = {str(one.get("name")) for _, one in scene.objects(operation.get("parameters")) if one.get("in") == "path"}
        for name in sorted(named - own - shared):
            yield (method,), f"{method.upper()} {template} does not declare the parameter {{{name}}} of its path."


def _parameter_unused(node: Any, scene: Scene) -> Flaws:
    """Of a path item and of its operations."""
    template = scene.token()
    if not template.startswith("/") or scene.token(1) != "paths":
        return
    named = set(_TEMPLATE.findall(template))
    holders = [((), node), *(((one,), node[one]) for one in METHODS if isinstance(node.get(one), dict))]
    for where, holder in holders:
        for index, one in scene.objects(holder.get("parameters")):
            if one.get("in") == "path" and str(one.get("name")) not in named:
                yield (*where, "parameters", index), f"{one.get('name')} is not in the path {template}."


def _template_empty(node: Any, scene: Scene) -> Flaws:
    for path in node:
        if "{}" in path:
            yield (path,), f"{path} has a variable without a name."


def _template_repeats(node: Any, scene: Scene) -> Flaws:
    for path in node:
        names = _TEMPLATE.findall(path)
        for name in sorted({one for one in names if names.count(one) > 1}):
            yield (path,), f"{path} has {{{name}}} more than once."


def _ambiguous(node: Any, scene: Scene) -> Flaws:
    seen: dict[str, str] = {}
    for path in node:
        bare = _TEMPLATE.sub("{}", path)
        first = seen.setdefault(bare, path)
        if first != path:
            yield (path,), f"{path} and {first} are the same path."


def _trailing_slash(node: Any, scene: Scene) -> Flaws:
    for path in node:
        if len(path) > 1 and path.endswith("/"):
            yield (path,), f"{path} ends with a slash."


def _query(node: Any, scene: Scene) -> Flaws:
    for path in node:
        if "?" in path or "#" in path:
            yield (path,), f"{path} holds a query or a fragment."


def _segments(path: str) -> list[str]:
    return [part for part in path.split("/") if part and "{" not in part]


def _segment_case(node: Any, scene: Scene) -> Flaws:
    for path in node:
        wrong = [part for part in _segments(path) if not _KEBAB.fullmatch(part)]
        if wrong and path.startswith("/"):
            yield (path,), f'"{wrong[0]}" in {path} is not lower case with hyphens.'


def _verb(node: Any, scene: Scene) -> Flaws:
    for path in node:
        for part in _segments(path):
            first = _VERB_FIRST.match(part)
            if first and first.group(1) in _VERBS:
                yield (path,), f'"{part}" in {path} commands; the method says what is done.'
                break


PATH_RULES: tuple[LintRule, ...] = (
    LintRule(
        id="PATH_PARAMETER_UNDECLARED",
        purpose="A variable of the path that no parameter describes has no type and no check.",
        fix='Add a parameter of that name with "in": "path".',
        place=API,
        bad='{"paths": {"/orders/{order_id}": {"parameters": []}}}',
        good="{}",
        source="Spectral oas",
        spectral=("path-params",),
        on=("PathItem",),
        check=_path_parameters,
    ),
    LintRule(
        id="PATH_PARAMETER_UNUSED",
        purpose="A path parameter that the path does not hold can never be sent.",
        fix="Put it into the path, or remove it.",
        place=API,
        bad=get(
            '{"parameters": [{"name": "shop", "in": "path", "required": true, "description": "Which.",'
            ' "schema": {"type": "boolean"}}]}'
        ),
        good="{}",
        source="Spectral oas",
        spectral=("path-params",),
        on=("PathItem",),
        check=_parameter_unused,
    ),
    LintRule(
        id="PATH_VARIABLE_UNNAMED",
        purpose="A variable without a name cannot be described.",
        fix="Name it.",
        place=API,
        bad=_path("/orders/{}/lines"),
        good="{}",
        source="Spectral oas",
        spectral=("path-declarations-must-exist",),
        on=("Paths",),
        check=_template_empty,
    ),
    LintRule(
        id="PATH_VARIABLE_REPEATED",
        purpose="One name for two places of a path leaves open which of them is meant.",
        fix="Name each variable once.",
        place=API,
        bad=_path("/orders/{id}/lines/{id}"),
        good="{}",
        source="Spectral oas, OpenAPI 3.1 section 4.8.8",
        spectral=("path-params",),
        on=("Paths",),
        check=_template_repeats,
    ),
    LintRule(
        id="PATH_AMBIGUOUS",
        purpose="Paths that differ in the names of their variables only are one path; one of them never answers.",
        fix="Join them, or give one a path of its own.",
        place=API,
        bad=_path("/orders/{number}"),
        good="{}",
        source="OpenAPI 3.1 section 4.8.8.2",
        spectral=("path-params",),
        on=("Paths",),
        check=_ambiguous,
    ),
    LintRule(
        id="PATH_TRAILING_SLASH",
        purpose="/orders and /orders/ are two resources to some servers and one to others.",
        fix="Write the path without the slash at its end.",
        place=API,
        bad=_path("/carts/"),
        good=_path("/carts"),
        severity="warning",
        source="Spectral oas, Zalando 136",
        spectral=("path-keys-no-trailing-slash",),
        on=("Paths",),
        check=_trailing_slash,
    ),
    LintRule(
        id="PATH_QUERY",
        purpose="A query in a path is never matched: it belongs to the parameters.",
        fix='Move it to "parameters", "in": "query".',
        place=API,
        bad=_path("/carts?open=true"),
        good=_path("/carts"),
        source="Spectral oas",
        spectral=("path-not-include-query",),
        on=("Paths",),
        check=_query,
    ),
    LintRule(
        id="PATH_CASE",
        purpose="Paths in one case can be typed from memory.",
        fix="Write path segments in lower case with hyphens: /shipment-orders.",
        place=API,
        bad=_path("/openCarts"),
        good=_path("/open-carts"),
        severity="warning",
        source="Zalando 129",
        on=("Paths",),
        check=_segment_case,
    ),
    LintRule(
        id="PATH_COMMANDS",
        purpose="A path names a thing; the method says what is done with it.",
        fix="Name the resource: POST /orders instead of /createOrder.",
        place=API,
        bad=_path("/create-order"),
        good=_path("/creations"),
        severity="warning",
        source="Zalando 141",
        on=("Paths",),
        check=_verb,
    ),
)
