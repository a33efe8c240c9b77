"""Rules for servers and tags, of OpenAPI and AsyncAPI alike."""

from __future__ import annotations

import re
from typing import Any

from interlock.contracts.lint.rule import Flaws, LintRule
from interlock.contracts.lint.samples import API, ASYNCAPI
from interlock.contracts.lint.scene import Scene

_VARIABLE = re.compile(r"\{([^{}]*)\}")
_EXAMPLE = re.compile(r"example\.com(?:[:/]|$)")


def servers(patch: str) -> str:
    return '{"servers": [' + patch + "]}"


def _no_server(node: Any, scene: Scene) -> Flaws:
    if not node.get("servers"):
        yield ("servers",) if "servers" in node else (), "The document names no server."


def _address(node: Any) -> tuple[str, str]:
    name = "host" if "host" in node else "url"
    return name, str(node.get(name, ""))


def _trailing_slash(node: Any, scene: Scene) -> Flaws:
    name, url = _address(node)
    if len(url) > 1 and url.endswith("/"):
        yield (name,), f"{url} ends with a slash."


def _example_host(node: Any, scene: Scene) -> Flaws:
    name, url = _address(node)
    if _EXAMPLE.search(url):
        yield (name,), f"{url} is nobody's server."


def _named(node: Any) -> set[str]:
    return set(_VARIABLE.findall(str(node.get("url", "")) + str(node.get("host", "")) + str(node.get("pathname", ""))))


def _undeclared(node: Any, scene: Scene) -> Flaws:
    declared = node.get("variables")
    missing = sorted(_named(node) - set(declared if isinstance(declared, dict) else ()) - {""})
    if missing:
        place = ("variables",) if isinstance(declared, dict) else ()
        yield place, f"The address names {', '.join(missing)}, and variables do not."


def _unused(node: Any, scene: Scene) -> Flaws:
    declared = node["variables"]
    for name in declared if isinstance(declared, dict) else ():
        if name not in _named(node):
            yield ("variables", name), f"The address does not use {name}."


def _unnamed(node: Any, scene: Scene) -> Flaws:
    name, url = _address(node)
    if "{}" in url:
        yield (name,), f"{url} has a variable without a name."


def _default(node: Any, scene: Scene) -> Flaws:
    allowed = node["enum"]
    if isinstance(allowed, list) and "default" in node and node["default"] not in allowed:
        yield ("default",), f"{node['default']} is not among the values that are allowed."


def _tag_twice(node: Any, scene: Scene) -> Flaws:
    seen: set[str] = set()
    for index, tag in enumerate(node["tags"] if isinstance(node["tags"], list) else ()):
        name = tag.get("name") if isinstance(tag, dict) else tag
        if isinstance(name, str):
            if name in seen:
                yield (
                    ("tags", index, "name") if isinstance(tag, dict) else ("tags", index),
                    f'The tag "{name}" is there twice.',
                )
            seen.add(name)


def _tag_undescribed(node: Any, scene: Scene) -> Flaws:
    if not node.get("description"):
        yield (), f"The tag {node.get('name')} has no description."


SERVICE_RULES: tuple[LintRule, ...] = (
    LintRule(
        id="SERVER_MISSING",
        purpose="Without a server the reader knows what to send, and not where.",
        fix='Add "servers"; {"url": "/"} says: from where the document was read.',
        place=API,
        bad='{"servers": []}',
        good="{}",
        severity="warning",
        source="Spectral oas, asyncapi",
        spectral=("oas3-api-servers", "asyncapi-servers"),
        on=("OpenAPI", "AsyncAPI"),
        check=_no_server,
    ),
    LintRule(
        id="SERVER_TRAILING_SLASH",
        purpose="Paths begin with a slash; a second one before it makes another URL to some servers.",
        fix="Write the address without the slash at its end.",
        place=API,
        bad=servers('{"url": "https://api.shop.test/", "description": "The shop."}'),
        good="{}",
        severity="warning",
        source="Spectral oas, asyncapi",
        spectral=(
            "oas3-server-trailing-slash",
            "asyncapi-server-no-trailing-slash",
            "asyncapi-3-server-no-trailing-slash",
        ),
        on=("Server",),
        check=_trailing_slash,
    ),
    LintRule(
        id="SERVER_EXAMPLE",
        purpose="example.com is for examples; it was probably forgotten.",
        fix="Name the real server.",
        place=API,
        bad=servers('{"url": "https://example.com", "description": "The shop."}'),
        good="{}",
        severity="warning",
        source="Spectral oas, asyncapi",
        spectral=(
            "oas3-server-not-example.com",
            "asyncapi-server-not-example-com",
            "asyncapi-3-server-not-example-com",
        ),
        on=("Server",),
        check=_example_host,
    ),
    LintRule(
        id="SERVER_VARIABLE_UNDECLARED",
        purpose="An address with a variable that nobody describes cannot be filled in.",
        fix='Add it to "variables" with a default.',
        place=API,
        bad=servers('{"url": "https://{region}.shop.test", "description": "The shop."}'),
        good=servers(
            '{"url": "https://{region}.shop.test", "description": "The shop.",'
            ' "variables": {"region": {"default": "eu"}}}'
        ),
        source="Spectral oas, asyncapi",
        spectral=("oas3-server-variables", "asyncapi-server-variables"),
        on=("Server",),
        check=_undeclared,
    ),
    LintRule(
        id="SERVER_VARIABLE_UNUSED",
        purpose="A variable that the address does not hold changes nothing.",
        fix="Put it into the address, or remove it.",
        place=API,
        bad=servers(
            '{"url": "https://api.shop.test", "description": "The shop.", "variables": {"region": {"default": "eu"}}}'
        ),
        good="{}",
        severity="warning",
        source="Spectral oas, asyncapi",
        spectral=("oas3-server-variables", "asyncapi-server-variables"),
        on=("Server",),
        when=("variables",),
        check=_unused,
    ),
    LintRule(
        id="SERVER_VARIABLE_UNNAMED",
        purpose="A variable without a name cannot be filled in.",
        fix="Name it.",
        place=ASYNCAPI,
        bad='{"servers": {"shop": {"host": "{}.shop.test"}}}',
        good="{}",
        source="Spectral asyncapi",
        spectral=("asyncapi-server-no-empty-variable", "asyncapi-3-server-no-empty-variable"),
        on=("Server",),
        check=_unnamed,
    ),
    LintRule(
        id="SERVER_VARIABLE_DEFAULT",
        purpose="A default that is not allowed makes an address that does not answer.",
        fix="Choose the default from the enum.",
        place=API,
        bad=servers(
            '{"url": "https://{region}.shop.test", "description": "The shop.",'
            ' "variables": {"region": {"default": "eu", "enum": ["us"]}}}'
        ),
        good=servers(
            '{"url": "https://{region}.shop.test", "description": "The shop.",'
            ' "variables": {"region": {"default": "eu", "enum": ["us", "eu"]}}}'
        ),
        source="OpenAPI 3.1 section 4.8.6",
        spectral=("oas3-server-variables",),
        on=("ServerVariable",),
        when=("enum",),
        check=_default,
    ),
    LintRule(
        id="TAG_DUPLICATED",
        purpose="Of two tags of one name, portals show either.",
        fix="Join them.",
        place=API,
        bad='{"tags": [{"name": "orders", "description": "A."}, {"name": "orders", "description": "B."}]}',
        good="{}",
        source="Spectral oas, asyncapi",
        spectral=("openapi-tags-uniqueness", "asyncapi-tags-uniqueness", "asyncapi-3-tags-uniqueness"),
        on=(
            "OpenAPI",
            "AsyncAPI",
            "Info",
            "Server",
            "Channel",
            "Operation",
            "OperationTrait",
            "Message",
            "MessageTrait",
        ),
        when=("tags",),
        check=_tag_twice,
    ),
    LintRule(
        id="TAG_UNDESCRIBED",
        purpose="A tag is the heading of a chapter; a heading alone says little.",
        fix='Add "description".',
        place=API,
        bad='{"tags": [{"name": "orders"}]}',
        good="{}",
        severity="warning",
        source="Spectral oas, asyncapi",
        spectral=("tag-description", "asyncapi-tag-description", "asyncapi-3-tag-description"),
        on=("Tag",),
        check=_tag_undescribed,
    ),
)
