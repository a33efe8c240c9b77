"""Rules for events and webhooks: CloudEvents 1.0, Standard Webhooks, and what our own events promise."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from interlock.contracts.event_contract import EXTENSION
from interlock.contracts.lint.rule import Flaws, LintRule
from interlock.contracts.lint.samples import API, ASYNCAPI, EVENT, WEBHOOK
from interlock.contracts.lint.scene import Scene
from interlock.contracts.past_tense import objection

LARGEST_BYTES = 65_536
_ATTRIBUTES = ("id", "source", "specversion", "type")
_ATTRIBUTE = re.compile(r"[a-z0-9]{1,20}")
_ENVELOPE = frozenset({"specversion", "datacontenttype", "dataschema", "data_base64"})
_REVERSE_DNS = re.compile(r"[a-z0-9-]+(?:\.[A-Za-z0-9_-]+)+")
_REFERENCES = ("uri", "uri-reference", "iri", "iri-reference")
_ENVELOPE_SAMPLE = (
    '={"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "ParcelEvent", "description": "As sent.",'
    ' "x-interlock": {"owner": "team-orders"}, "type": "object", "additionalProperties": false,'
    ' "required": ["id", "source", "specversion", "type"], "properties": {'
    '"id": {"type": "string", "maxLength": 80, "x-classification": "internal"},'
    ' "source": {"type": "string", "format": "uri-reference", "x-classification": "internal"},'
    ' "specversion": {"const": "1.0", "x-classification": "public"},'
    ' "type": {"const": "test.courier.parcel.delivered", "x-classification": "public"}}}'
)


def _envelope(node: Any) -> dict[str, Any] | None:
    properties = node.get("properties")
    return properties if isinstance(properties, dict) and "specversion" in properties else None


def _is_root(scene: Scene) -> bool:
    return scene.language == "json-schema" and scene.at is None


def _undescribed(node: Any, scene: Scene) -> Flaws:
    if _is_root(scene) and not node.get("description"):
        yield (), f"{scene.name or 'The contract'} does not say what it means."


def _attributes(node: Any, scene: Scene) -> Flaws:
    properties = _envelope(node)
    if properties is None:
        return
    required = node.get("required")
    missing = [name for name in _ATTRIBUTES if name not in (required if isinstance(required, list) else ())]
    if missing:
        yield (
            ("required",) if "required" in node else (),
            f"A CloudEvent has {', '.join(missing)}; this schema does not require it.",
        )


def _attribute_names(node: Any, scene: Scene) -> Flaws:
    for name in _envelope(node) or ():
        if name != "data_base64" and not _ATTRIBUTE.fullmatch(name):
            yield ("properties", name), f"{name} is no name of a CloudEvents attribute."


def _source(node: Any, scene: Scene) -> Flaws:
    properties = _envelope(node)
    field = scene.followed((properties or {}).get("source"))
    if isinstance(field, dict) and field.get("format") not in _REFERENCES and not {"const", "enum"} & field.keys():
        yield ("properties", "source"), "The source of a CloudEvent is a URI reference."


def _type(node: Any, scene: Scene) -> Flaws:
    field = scene.followed((_envelope(node) or {}).get("type"))
    if not isinstance(field, dict):
        return
    stated = [field["const"]] if "const" in field else field.get("enum", [])
    for one in stated if isinstance(stated, list) else ():
        if isinstance(one, str) and not _REVERSE_DNS.fullmatch(one):
            yield ("properties", "type"), f"{one} has no domain before its name."


def _spec_version(node: Any, scene: Scene) -> Flaws:
    field = scene.followed((_envelope(node) or {}).get("specversion"))
    if isinstance(field, dict) and field.get("const") != "1.0" and field.get("enum") != ["1.0"]:
        yield ("properties", "specversion"), "The specversion of a CloudEvent is 1.0; this schema allows others."


def _data_twice(node: Any, scene: Scene) -> Flaws:
    properties = _envelope(node) or {}
    required = node.get("required")
    if isinstance(required, list) and {"data", "data_base64"} <= set(map(str, required)) and "data" in properties:
        yield ("required",), "A CloudEvent has either data or data_base64."


def _reserved(node: Any, scene: Scene) -> Flaws:
    """Of the data of an event: what belongs to the envelope."""
    properties = node.get("properties")
    if not _is_root(scene) or not isinstance(properties, dict) or _is_whole_envelope(properties):
        return
    for name in sorted(_ENVELOPE & properties.keys()):
        yield ("properties", name), f"{name} is an attribute of the envelope, and stands in the data."


def _is_whole_envelope(properties: dict[str, Any]) -> bool:
    return len(properties.keys() & set(_ATTRIBUTES)) > 2


def _large(node: Any, scene: Scene) -> Flaws:
    if not _is_root(scene):
        return
    for index, example in enumerate(node["examples"] if isinstance(node["examples"], list) else ()):
        size = len(msgspec.json.encode(example))
        if size > LARGEST_BYTES:
            yield (
                ("examples", index),
                f"The example has {size} bytes; events above 64 KiB are not passed on everywhere.",
            )


def _command(node: Any, scene: Scene) -> Flaws:
    name = node.get("name")
    if isinstance(name, str) and name and re.fullmatch(r"[A-Z][A-Za-z0-9]*", name):
        reason = objection(name)
        if reason and "command" in reason:
            yield ("name",), reason


def _unsigned(node: Any, scene: Scene) -> Flaws:
    if not scene.inside("webhooks") or scene.inside("callbacks"):
        return
    taken = {
        str(one.get("name")).lower()
        for holder in (node, scene.owners[-2])
        for _, one in scene.objects(holder.get("parameters"))
        if one.get("in") == "header"
    }
    if not any("signature" in name for name in taken):
        yield (), f"The webhook {scene.token(1)} carries no signature."
    if not any(name.endswith(("-id", "delivery")) for name in taken):
        yield (), f"The webhook {scene.token(1)} carries no id by which a repetition is told."


def _method(node: Any, scene: Scene) -> Flaws:
    if scene.token(1) == "webhooks":
        for method in ("get", "head", "put", "patch", "delete"):
            if method in node:
                yield (method,), f"The webhook {scene.token()} is sent with {method.upper()}."


def _no_owner(node: Any, scene: Scene) -> Flaws:
    if scene.at is not None:
        return
    extension = node.get(EXTENSION)
    if not isinstance(extension, dict) or not isinstance(extension.get("owner"), str):
        yield (EXTENSION,), f"{scene.name or 'The contract'} has no owner."


EVENT_RULES: tuple[LintRule, ...] = (
    LintRule(
        id="OWNER_MISSING",
        purpose="Every contract and flow has somebody who answers for it.",
        fix='Name an owner of owners.toml: "x-interlock": {"owner": "team-…"}.',
        place=EVENT,
        bad='{"x-interlock": {"owner": null}}',
        good='{"x-interlock": {"owner": "team-orders"}}',
        waivable=False,
        governed=True,
        needed=True,
        source="Interlock",
        on=("OpenAPI", "AsyncAPI", "Schema"),
        check=_no_owner,
    ),
    LintRule(
        id="EVENT_UNDESCRIBED",
        purpose="A name does not say when an event is sent and what it means.",
        fix='Add "description" to the schema.',
        place=EVENT,
        bad='{"description": null}',
        good='{"description": "A customer has placed an order."}',
        severity="warning",
        source="Zalando 197",
        on=("Schema",),
        check=_undescribed,
    ),
    LintRule(
        id="EVENT_TOO_LARGE",
        purpose="CloudEvents asks every hop to pass 64 KiB on, and no more.",
        fix="Send a reference to the large part (claim check), or split the event.",
        place=EVENT,
        bad='{"examples": ["' + "x" * (LARGEST_BYTES + 1) + '"]}',
        good="{}",
        severity="warning",
        source="CloudEvents 1.0 section 'Size Limits'",
        on=("Schema",),
        when=("examples",),
        check=_large,
    ),
    LintRule(
        id="ENVELOPE_IN_DATA",
        purpose="What the envelope says is said once; a copy in the data will one day say something else.",
        fix="Take it out of the data: the envelope carries it.",
        place=EVENT,
        bad='{"properties": {"specversion": {"type": "string", "maxLength": 3, "x-classification": "public"}}}',
        good="{}",
        source="CloudEvents 1.0 section 'Context Attributes'",
        on=("Schema",),
        check=_reserved,
    ),
    LintRule(
        id="CLOUDEVENT_ATTRIBUTE_MISSING",
        purpose="Without id, source, specversion and type it is no CloudEvent: nobody can route or dedupe it.",
        fix='Add them to "required".',
        place=WEBHOOK,
        bad=_ENVELOPE_SAMPLE.replace('"id", "source", ', ""),
        good=_ENVELOPE_SAMPLE,
        source="CloudEvents 1.0 section 'REQUIRED Attributes'",
        on=("Schema",),
        when=("properties",),
        check=_attributes,
    ),
    LintRule(
        id="CLOUDEVENT_ATTRIBUTE_NAME",
        purpose="Attributes travel as headers of many protocols; other names get lost in some of them.",
        fix="Use lower-case letters and digits, at most 20.",
        place=WEBHOOK,
        bad=_ENVELOPE_SAMPLE.replace(
            '"properties": {',
            '"properties": {"trace_id": {"type": "string", "maxLength": 9, "x-classification": "internal"}, ',
        ),
        good=_ENVELOPE_SAMPLE,
        source="CloudEvents 1.0 section 'Naming Conventions'",
        on=("Schema",),
        when=("properties",),
        check=_attribute_names,
    ),
    LintRule(
        id="CLOUDEVENT_SOURCE",
        purpose="Source and id together name an event in the whole world; so the source is a URI reference.",
        fix='Write "format": "uri-reference".',
        place=WEBHOOK,
        bad=_ENVELOPE_SAMPLE.replace('"format": "uri-reference"', '"maxLength": 80'),
        good=_ENVELOPE_SAMPLE,
        source="CloudEvents 1.0 section 'source'",
        on=("Schema",),
        when=("properties",),
        check=_source,
    ),
    LintRule(
        id="CLOUDEVENT_TYPE",
        purpose="A type without a domain before it is another sender's type too.",
        fix="Prefix it with your domain, reversed: org.example.parcel.delivered.",
        place=WEBHOOK,
        bad=_ENVELOPE_SAMPLE.replace("test.courier.parcel.delivered", "delivered"),
        good=_ENVELOPE_SAMPLE,
        severity="warning",
        source="CloudEvents 1.0 section 'type'",
        on=("Schema",),
        when=("properties",),
        check=_type,
    ),
    LintRule(
        id="CLOUDEVENT_SPECVERSION",
        purpose="The specversion says how the rest is read; it is 1.0.",
        fix='Write {"const": "1.0"}.',
        place=WEBHOOK,
        bad=_ENVELOPE_SAMPLE.replace('"const": "1.0"', '"type": "string", "maxLength": 9'),
        good=_ENVELOPE_SAMPLE,
        severity="warning",
        source="CloudEvents 1.0 section 'specversion'",
        on=("Schema",),
        when=("properties",),
        check=_spec_version,
    ),
    LintRule(
        id="CLOUDEVENT_DATA_TWICE",
        purpose="The data stands in data or in data_base64; with both, readers take either.",
        fix="Require one of them.",
        place=WEBHOOK,
        bad=_ENVELOPE_SAMPLE.replace('"id", "source", ', '"id", "source", "data", "data_base64", ').replace(
            '"properties": {',
            '"properties": {"data": {"type": "boolean", "x-classification": "internal"},'
            ' "data_base64": {"type": "string", "maxLength": 9, "x-classification": "internal"}, ',
        ),
        good=_ENVELOPE_SAMPLE,
        source="CloudEvents JSON format section 3.1",
        on=("Schema",),
        when=("required",),
        check=_data_twice,
    ),
    LintRule(
        id="MESSAGE_NAMED_AS_COMMAND",
        purpose="A message on a channel is read by whoever likes; a command needs one that answers for it.",
        fix="Name the fact (OrderPlaced), or make the command an API operation.",
        place=ASYNCAPI,
        bad='{"components": {"messages": {"OrderPlaced": {"name": "PlaceOrder"}}}}',
        good="{}",
        severity="warning",
        source="Interlock",
        on=("Message",),
        when=("name",),
        check=_command,
    ),
    LintRule(
        id="WEBHOOK_UNSIGNED",
        purpose="Who receives a webhook must be able to tell who sent it, and that it came before.",
        fix="Declare the headers webhook-id, webhook-timestamp and webhook-signature (Standard Webhooks).",
        place=API,
        bad='{"webhooks": {"orderPlaced": {"post": {"parameters": []}}}}',
        good="{}",
        source="Standard Webhooks",
        severity="warning",
        on=("Operation",),
        check=_unsigned,
    ),
    LintRule(
        id="WEBHOOK_METHOD",
        purpose="A webhook hands something over: that is what POST is for, and what receivers accept.",
        fix="Send it with POST.",
        place=API,
        bad='{"webhooks": {"orderPlaced": {"put": {"operationId": "again", "summary": "A.", "description": "A.",'
        ' "tags": ["orders"], "responses": {"204": {"description": "A."}}}}}}',
        good="{}",
        severity="warning",
        source="Standard Webhooks",
        on=("PathItem",),
        check=_method,
    ),
)
