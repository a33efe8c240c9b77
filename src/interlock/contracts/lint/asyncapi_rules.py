"""Rules for channels and messages of AsyncAPI documents."""

from __future__ import annotations

import re
from typing import Any

from interlock.contracts.lint.operation import identity
from interlock.contracts.lint.rule import Flaws, LintRule
from interlock.contracts.lint.samples import ASYNCAPI
from interlock.contracts.lint.scene import Scene

_VARIABLE = re.compile(r"\{([^{}]*)\}")


def channel(patch: str) -> str:
    return '{"channels": {"orders": ' + patch + "}}"


def message(patch: str) -> str:
    return '{"components": {"messages": {"OrderPlaced": ' + patch + "}}}"


def _address(node: Any, scene: Scene) -> tuple[tuple[str, ...], str]:
    """In version 2 the name of the channel is its address."""
    if "address" in node:
        return ("address",), node["address"] if isinstance(node["address"], str) else ""
    return (), scene.token() if scene.version == "2" else ""


def _query(node: Any, scene: Scene) -> Flaws:
    where, address = _address(node, scene)
    if "?" in address or "#" in address:
        yield where, f"{address} holds a query or a fragment."


def _trailing_slash(node: Any, scene: Scene) -> Flaws:
    where, address = _address(node, scene)
    if len(address) > 1 and address.endswith("/"):
        yield where, f"{address} ends with a slash."


def _unnamed(node: Any, scene: Scene) -> Flaws:
    where, address = _address(node, scene)
    if "{}" in address:
        yield where, f"{address} has a parameter without a name."


def _undeclared(node: Any, scene: Scene) -> Flaws:
    _, address = _address(node, scene)
    declared = node.get("parameters")
    known = set(declared) if isinstance(declared, dict) else set()
    missing = sorted(set(_VARIABLE.findall(address)) - known - {""})
    if missing and "$ref" not in node:
        place = ("parameters",) if isinstance(declared, dict) else ()
        yield place, f"{address} names {', '.join(missing)}, and parameters do not."


def _unused(node: Any, scene: Scene) -> Flaws:
    _, address = _address(node, scene)
    declared = node["parameters"]
    for name in declared if address and isinstance(declared, dict) else ():
        if name not in _VARIABLE.findall(address):
            yield ("parameters", name), f"{address} does not hold {name}."


def _server(node: Any, scene: Scene) -> Flaws:
    known = scene.document.get("servers")
    names = set(known) if isinstance(known, dict) else set()
    for index, one in enumerate(node["servers"] if isinstance(node["servers"], list) else ()):
        if isinstance(one, str) and one not in names:
            yield ("servers", index), f"There is no server {one}."
        reference = one.get("$ref") if isinstance(one, dict) else None
        if isinstance(reference, str) and reference not in {f"#/servers/{name}" for name in names}:
            yield ("servers", index, "$ref"), f"{reference} is none of the document's servers."


def _no_channel(node: Any, scene: Scene) -> Flaws:
    if not node.get("channels"):
        yield (), "The document has no channel."


def _id_twice(node: Any, scene: Scene) -> Flaws:
    for where, name in identity(node, scene, "messageId") if not scene.inside("components") else ():
        seen = scene.memo.setdefault("messageId", {})
        if seen.setdefault(name, scene.at) != scene.at:
            yield where, f"The message {name} is declared twice."


def _headers(node: Any, scene: Scene) -> Flaws:
    schema = scene.followed(node["headers"])
    if isinstance(schema, dict) and schema.get("type") != "object":
        place = ("headers", "type") if "type" in schema and "$ref" not in node["headers"] else ("headers",)
        yield place, "Headers are an object; this schema does not say so."


def _no_payload(node: Any, scene: Scene) -> Flaws:
    if "payload" not in node and "oneOf" not in node and "$ref" not in node:
        yield (), f"The message {scene.token()} has no payload."


def _no_name(node: Any, scene: Scene) -> Flaws:
    if not node.get("name") and "oneOf" not in node and scene.version == "2" and not node.get("messageId"):
        yield (), "The message has no name."


def _no_content_type(node: Any, scene: Scene) -> Flaws:
    if "payload" in node and not node.get("contentType") and not scene.document.get("defaultContentType"):
        yield (), f"The message {scene.token()} does not say how its payload is written."


def _no_example(node: Any, scene: Scene) -> Flaws:
    if "payload" in node and not node.get("examples"):
        schema = scene.followed(node["payload"])
        if not (isinstance(schema, dict) and schema.get("examples")):
            yield (), f"The message {scene.token()} has no example."


def _channel_undescribed(node: Any, scene: Scene) -> Flaws:
    if "$ref" not in node and not node.get("description"):
        yield (), f"The channel {scene.token()} has no description."


def _action(node: Any, scene: Scene) -> Flaws:
    if node["action"] not in ("send", "receive"):
        yield ("action",), f'"{node["action"]}" is no action: send or receive.'


ASYNCAPI_RULES: tuple[LintRule, ...] = (
    LintRule(
        id="CHANNEL_MISSING",
        purpose="A document without channels says nothing about messages.",
        fix='Add "channels".',
        place=ASYNCAPI,
        bad='{"channels": null, "operations": null}',
        good="{}",
        severity="warning",
        source="AsyncAPI",
        on=("AsyncAPI",),
        check=_no_channel,
    ),
    LintRule(
        id="CHANNEL_QUERY",
        purpose="Brokers know no query and no fragment; they would be part of the name.",
        fix="Take it out of the address.",
        place=ASYNCAPI,
        bad=channel('{"address": "shop/{region}/orders?open"}'),
        good="{}",
        source="Spectral asyncapi",
        spectral=("asyncapi-channel-no-query-nor-fragment", "asyncapi-3-channel-no-query-nor-fragment"),
        on=("Channel",),
        check=_query,
    ),
    LintRule(
        id="CHANNEL_TRAILING_SLASH",
        purpose="With the slash at its end it is another channel.",
        fix="Write the address without the slash at its end.",
        place=ASYNCAPI,
        bad=channel('{"address": "shop/{region}/orders/"}'),
        good="{}",
        source="Spectral asyncapi",
        spectral=("asyncapi-channel-no-trailing-slash", "asyncapi-3-channel-no-trailing-slash"),
        on=("Channel",),
        check=_trailing_slash,
    ),
    LintRule(
        id="CHANNEL_PARAMETER_UNNAMED",
        purpose="A parameter without a name cannot be filled in.",
        fix="Name it.",
        place=ASYNCAPI,
        bad=channel('{"address": "shop/{region}/{}"}'),
        good="{}",
        source="Spectral asyncapi",
        spectral=("asyncapi-channel-no-empty-parameter", "asyncapi-3-channel-no-empty-parameter"),
        on=("Channel",),
        check=_unnamed,
    ),
    LintRule(
        id="CHANNEL_PARAMETER_UNDECLARED",
        purpose="An address with a parameter that nobody describes cannot be filled in.",
        fix='Add it to "parameters".',
        place=ASYNCAPI,
        bad=channel('{"parameters": {"region": null}}'),
        good="{}",
        source="Spectral asyncapi",
        spectral=("asyncapi-channel-parameters",),
        on=("Channel",),
        check=_undeclared,
    ),
    LintRule(
        id="CHANNEL_PARAMETER_UNUSED",
        purpose="A parameter that the address does not hold changes nothing.",
        fix="Put it into the address, or remove it.",
        place=ASYNCAPI,
        bad=channel('{"parameters": {"shop": {"description": "Which."}}}'),
        good="{}",
        source="Spectral asyncapi",
        spectral=("asyncapi-channel-parameters",),
        on=("Channel",),
        when=("parameters",),
        check=_unused,
    ),
    LintRule(
        id="CHANNEL_SERVER_UNDEFINED",
        purpose="A channel on a server that is not declared cannot be found.",
        fix='Refer to one of "servers".',
        place=ASYNCAPI,
        bad=channel('{"servers": [{"$ref": "#/components/servers/shop"}]}'),
        good="{}",
        source="Spectral asyncapi",
        spectral=("asyncapi-channel-servers", "asyncapi-3-channel-servers"),
        on=("Channel",),
        when=("servers",),
        check=_server,
    ),
    LintRule(
        id="CHANNEL_UNDESCRIBED",
        purpose="An address does not say what is to be expected there.",
        fix='Add "description".',
        place=ASYNCAPI,
        bad=channel('{"description": null}'),
        good="{}",
        severity="warning",
        source="AsyncAPI",
        on=("Channel",),
        check=_channel_undescribed,
    ),
    LintRule(
        id="ACTION_UNKNOWN",
        purpose="An operation sends or receives; tools ignore anything else.",
        fix='Write "action": "send" or "receive".',
        place=ASYNCAPI,
        bad='{"operations": {"orderPlaced": {"action": "publish"}}}',
        good="{}",
        source="AsyncAPI 3.0",
        spectral=("asyncapi-3-document-resolved",),
        on=("Operation",),
        when=("action",),
        check=_action,
    ),
    LintRule(
        id="MESSAGE_ID_DUPLICATED",
        purpose="Of two messages of one id, tools take either.",
        fix="Give each message an id of its own.",
        place=ASYNCAPI,
        bad='={"asyncapi": "2.6.0", "info": {"title": "Shop", "version": "1.0.0"}, "channels": {"orders": {'
        '"publish": {"message": {"messageId": "a", "payload": true}},'
        ' "subscribe": {"message": {"messageId": "a", "payload": true}}}}}',
        good="{}",
        source="Spectral asyncapi",
        spectral=("asyncapi-message-messageId-uniqueness",),
        on=("Message",),
        check=_id_twice,
    ),
    LintRule(
        id="HEADERS_NO_OBJECT",
        purpose="Headers are names with values; a schema of anything else matches none.",
        fix='Write "type": "object".',
        place=ASYNCAPI,
        bad=message('{"headers": {"type": "array"}}'),
        good="{}",
        source="Spectral asyncapi",
        spectral=("asyncapi-headers-schema-type-object", "asyncapi-3-headers-schema-type-object"),
        on=("Message", "MessageTrait"),
        when=("headers",),
        check=_headers,
    ),
    LintRule(
        id="PAYLOAD_MISSING",
        purpose="A message whose payload nobody describes is a contract about nothing.",
        fix='Add "payload".',
        place=ASYNCAPI,
        bad=message('{"payload": null}'),
        good="{}",
        source="AsyncAPI",
        on=("Message",),
        check=_no_payload,
    ),
    LintRule(
        id="MESSAGE_UNNAMED",
        purpose="People and generated code name a message by its name.",
        fix='Add "name".',
        place=ASYNCAPI,
        bad='={"asyncapi": "2.6.0", "info": {"title": "Shop", "version": "1.0.0"},'
        ' "channels": {"orders": {"publish": {"message": {"payload": true}}}}}',
        good="{}",
        severity="warning",
        source="AsyncAPI",
        on=("Message",),
        check=_no_name,
    ),
    LintRule(
        id="CONTENT_TYPE_MISSING",
        purpose="A payload whose notation nobody states is decoded by guessing.",
        fix='Add "contentType", or "defaultContentType" to the document.',
        place=ASYNCAPI,
        bad=message('{"contentType": null}'),
        good="{}",
        severity="warning",
        source="AsyncAPI, CloudEvents section 3.1.2",
        on=("Message",),
        check=_no_content_type,
    ),
    LintRule(
        id="MESSAGE_EXAMPLE_MISSING",
        purpose="An example is the shortest documentation, and the first test.",
        fix='Add "examples" with at least one whole payload.',
        place=ASYNCAPI,
        bad=message('{"examples": null}'),
        good="{}",
        severity="warning",
        source="Interlock",
        on=("Message",),
        check=_no_example,
    ),
)
