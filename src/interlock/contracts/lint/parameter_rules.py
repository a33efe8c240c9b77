"""Rules for the parameters of OpenAPI documents."""

from __future__ import annotations

from typing import Any

from interlock.contracts.lint.operation_rules import get
from interlock.contracts.lint.rule import Flaws, LintRule
from interlock.contracts.lint.samples import API
from interlock.contracts.lint.scene import Scene

_IGNORED_HEADERS = frozenset({"accept", "content-type", "authorization"})


def _parameter_twice(node: Any, scene: Scene) -> Flaws:
    seen: set[tuple[str, str]] = set()
    for index, one in scene.objects(node["parameters"]):
        if "name" not in one or "in" not in one:
            continue
        key = (str(one["in"]), str(one["name"]))
        if key in seen:
            yield ("parameters", index), f'"{key[1]}" in {key[0]} is declared twice.'
        seen.add(key)


def _parameter_optional(node: Any, scene: Scene) -> Flaws:
    if node["in"] == "path" and node.get("required") is not True:
        yield (), f"The path parameter {node.get('name')} is not required."


def _parameter_undescribed(node: Any, scene: Scene) -> Flaws:
    if not node.get("description"):
        yield (), f"The parameter {node.get('name')} has no description."


def _parameter_ignored(node: Any, scene: Scene) -> Flaws:
    if node["in"] == "header" and str(node.get("name")).lower() in _IGNORED_HEADERS:
        yield ("name",), f"A parameter {node['name']} is ignored."


def _parameter_place(node: Any, scene: Scene) -> Flaws:
    if node["in"] not in ("path", "query", "header", "cookie"):
        yield ("in",), f'"{node["in"]}" is no place of a parameter.'


def _parameter_schema(node: Any, scene: Scene) -> Flaws:
    if ("schema" in node) == ("content" in node):
        detail = "has neither schema nor content." if "schema" not in node else "has both schema and content."
        yield (), f"{node.get('name', scene.token())} {detail}"


PARAMETER_RULES: tuple[LintRule, ...] = (
    LintRule(
        id="PARAMETER_DUPLICATED",
        purpose="Of two parameters of one name and place, tools take either.",
        fix="Remove one of them.",
        place=API,
        bad=get(
            '{"parameters": [{"name": "limit", "in": "query", "description": "A.", "schema": {"type": "boolean"}},'
            ' {"name": "limit", "in": "query", "description": "B.", "schema": {"type": "boolean"}}]}'
        ),
        good="{}",
        source="Spectral oas, OpenAPI 3.1 section 4.8.10",
        spectral=("operation-parameters", "path-params"),
        on=("Operation", "PathItem"),
        when=("parameters",),
        check=_parameter_twice,
    ),
    LintRule(
        id="PATH_PARAMETER_OPTIONAL",
        purpose="A path without one of its parts is another path; OpenAPI asks that it says required.",
        fix='Add "required": true.',
        place=API,
        bad='{"components": {"parameters": {"Key": {"name": "key", "in": "path", "required": null}}}}',
        good="{}",
        source="OpenAPI 3.1 section 4.8.12",
        spectral=("path-params",),
        on=("Parameter",),
        when=("in",),
        check=_parameter_optional,
    ),
    LintRule(
        id="PARAMETER_UNDESCRIBED",
        purpose="A name does not say what a parameter does.",
        fix='Add "description".',
        place=API,
        bad='{"components": {"parameters": {"Key": {"description": null}}}}',
        good="{}",
        severity="warning",
        source="Spectral oas",
        spectral=("oas3-parameter-description",),
        on=("Parameter",),
        check=_parameter_undescribed,
    ),
    LintRule(
        id="PARAMETER_IGNORED",
        purpose="OpenAPI ignores parameters named Accept, Content-Type or Authorization: other members say that.",
        fix="Say it by the media types, or by the security schemes.",
        place=API,
        bad='{"components": {"parameters": {"Key": {"name": "Authorization"}}}}',
        good="{}",
        source="OpenAPI 3.1 section 4.8.12",
        on=("Parameter",),
        when=("in",),
        check=_parameter_ignored,
    ),
    LintRule(
        id="PARAMETER_PLACE_UNKNOWN",
        purpose="A parameter stands in the path, the query, a header or a cookie.",
        fix='Write "in": "path", "query", "header" or "cookie".',
        place=API,
        bad='{"components": {"parameters": {"Key": {"in": "body"}}}}',
        good="{}",
        source="OpenAPI 3.1 section 4.8.12",
        spectral=("oas3-schema",),
        on=("Parameter",),
        when=("in",),
        check=_parameter_place,
    ),
    LintRule(
        id="PARAMETER_UNTYPED",
        purpose="A parameter or header that may be anything promises nothing.",
        fix='Give it "schema", or "content"; not both.',
        place=API,
        bad='{"components": {"parameters": {"Key": {"schema": null}}}}',
        good="{}",
        source="OpenAPI 3.1 section 4.8.12",
        spectral=("oas3-schema",),
        on=("Parameter", "Header"),
        check=_parameter_schema,
    ),
)
