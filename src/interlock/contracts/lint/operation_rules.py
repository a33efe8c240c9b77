"""Rules for the operations of OpenAPI documents; those for ids hold for AsyncAPI too."""

from __future__ import annotations

import re
from typing import Any

from interlock.contracts.lint.operation import documents_class, identity, parameters, responses, title
from interlock.contracts.lint.rule import Flaws, LintRule
from interlock.contracts.lint.samples import API
from interlock.contracts.lint.scene import Scene

_URL_SAFE = re.compile(r"[A-Za-z0-9_.~!$&'()*+,;=:@-]+")
_PAGE = re.compile(r"(?i)limit|cursor|page|offset|first|after|top|skip|max|count|size")


def get(patch: str, path: str = "/orders") -> str:
    return '{"paths": {"' + path + '": {"get": ' + patch + "}}}"


def post(patch: str) -> str:
    return '{"paths": {"/orders": {"post": ' + patch + "}}}"


def put(patch: str) -> str:
    return '{"paths": {"/orders/{order_id}": {"put": ' + patch + "}}}"


def _no_id(node: Any, scene: Scene) -> Flaws:
    if not node.get("operationId") and not (scene.language == "asyncapi" and scene.version == "3"):
        yield (), f"{title(scene)} has no operationId."


def _id_twice(node: Any, scene: Scene) -> Flaws:
    if scene.language == "asyncapi" and scene.inside("components"):
        return
    for where, name in identity(node, scene, "operationId"):
        seen = scene.memo.setdefault("operationId", {})
        if seen.setdefault(name, scene.at) != scene.at:
            yield where, f"{name} is declared twice."


def _id_in_url(node: Any, scene: Scene) -> Flaws:
    name = node["operationId"]
    if isinstance(name, str) and name and not _URL_SAFE.fullmatch(name):
        yield ("operationId",), f"{name} has characters that a URL cannot hold."


def _undescribed(node: Any, scene: Scene) -> Flaws:
    if not node.get("description"):
        yield (), f"{title(scene)} has no description."


def _no_tags(node: Any, scene: Scene) -> Flaws:
    if not node.get("tags") and scene.language == "openapi":
        yield (), f"{title(scene)} has no tag."


def _tag_undeclared(node: Any, scene: Scene) -> Flaws:
    if scene.language != "openapi":
        return
    declared = scene.memo.get("tags")
    if declared is None:
        tags = scene.document.get("tags")
        rows = tags if isinstance(tags, list) else []
        declared = scene.memo["tags"] = {str(one.get("name")) for one in rows if isinstance(one, dict)}
    for index, tag in enumerate(node["tags"] if isinstance(node["tags"], list) else ()):
        if isinstance(tag, str) and tag not in declared:
            yield ("tags", index), f'The tag "{tag}" is not among the tags of the document.'


def _no_success(node: Any, scene: Scene) -> Flaws:
    found = node["responses"]
    if isinstance(found, dict) and not (documents_class(node, "2") or documents_class(node, "3")):
        yield ("responses",), f"{title(scene)} documents no success."


def _no_refusal(node: Any, scene: Scene) -> Flaws:
    found = responses(node)
    if found and "default" not in found and not documents_class(node, "4"):
        yield ("responses",), f"{title(scene)} documents no refusal: no 4xx and no default."


def _no_sunset(node: Any, scene: Scene) -> Flaws:
    if node["deprecated"] is True and "x-sunset" not in node:
        yield ("deprecated",), f"{title(scene)} is deprecated, and nobody says until when it answers."


def _callback_nested(node: Any, scene: Scene) -> Flaws:
    if scene.inside("callbacks"):
        yield ("callbacks",), "A callback cannot have callbacks."


def _pages(node: Any, scene: Scene) -> bool:
    return any(one.get("in") == "query" and _PAGE.search(str(one.get("name"))) for one in parameters(node, scene))


def _unpaged(node: Any, scene: Scene) -> Flaws:
    if scene.token() != "get":
        return
    for status, response in responses(node).items():
        content = scene.followed(response)
        content = content.get("content") if status[:1] == "2" and isinstance(content, dict) else None
        for media, entry in content.items() if isinstance(content, dict) else ():
            schema = scene.followed(entry.get("schema")) if isinstance(entry, dict) else None
            endless = isinstance(schema, dict) and schema.get("type") == "array" and "maxItems" not in schema
            if endless and not _pages(node, scene):
                yield ("responses", status), f"{title(scene)} answers {media} with a list that has no end."


OPERATION_RULES: tuple[LintRule, ...] = (
    LintRule(
        id="OPERATION_ID_MISSING",
        purpose="Handlers, clients and records name an operation by its operationId.",
        fix='Add "operationId", such as listOrders.',
        place=API,
        bad=post('{"operationId": null}'),
        good="{}",
        source="Spectral oas",
        spectral=("operation-operationId", "asyncapi-operation-operationId"),
        on=("Operation",),
        check=_no_id,
    ),
    LintRule(
        id="OPERATION_ID_DUPLICATED",
        purpose="Of two operations of one name, clients and handlers reach only one.",
        fix="Give each operation an id of its own.",
        place=API,
        bad=post('{"operationId": "listOrders"}'),
        good="{}",
        source="Spectral oas, asyncapi",
        spectral=("operation-operationId-unique", "asyncapi-operation-operationId-uniqueness"),
        on=("Operation",),
        when=("operationId", "traits"),
        check=_id_twice,
    ),
    LintRule(
        id="OPERATION_ID_IN_URL",
        purpose="Portals and gateways put the id into links.",
        fix="Use letters, digits and - . _ ~ only.",
        place=API,
        bad=post('{"operationId": "place order"}'),
        good=post('{"operationId": "place-order"}'),
        source="Spectral oas",
        spectral=("operation-operationId-valid-in-url",),
        on=("Operation",),
        when=("operationId",),
        check=_id_in_url,
    ),
    LintRule(
        id="OPERATION_UNDESCRIBED",
        purpose="A name does not say what an operation promises.",
        fix='Add "description".',
        place=API,
        bad=post('{"description": null}'),
        good="{}",
        severity="warning",
        source="Spectral oas, asyncapi",
        spectral=("operation-description", "asyncapi-operation-description", "asyncapi-3-operation-description"),
        on=("Operation",),
        check=_undescribed,
    ),
    LintRule(
        id="OPERATION_TAG_MISSING",
        purpose="Portals and generated clients group operations by tag.",
        fix='Add "tags" with a tag of the document.',
        place=API,
        bad=post('{"tags": []}'),
        good="{}",
        severity="warning",
        source="Spectral oas",
        spectral=("operation-tags",),
        on=("Operation",),
        check=_no_tags,
    ),
    LintRule(
        id="OPERATION_TAG_UNDECLARED",
        purpose="A tag that the document does not declare is probably a misspelt one.",
        fix='Add it to "tags" of the document, or correct it.',
        place=API,
        bad=post('{"tags": ["order"]}'),
        good="{}",
        severity="warning",
        source="Spectral oas",
        spectral=("operation-tag-defined",),
        on=("Operation",),
        when=("tags",),
        check=_tag_undeclared,
    ),
    LintRule(
        id="RESPONSE_SUCCESS_MISSING",
        purpose="A caller must know what success looks like.",
        fix="Document a 2xx or 3xx response.",
        place=API,
        bad=post('{"responses": {"201": null}}'),
        good="{}",
        source="Spectral oas",
        spectral=("operation-success-response",),
        on=("Operation",),
        when=("responses",),
        check=_no_success,
    ),
    LintRule(
        id="RESPONSE_REFUSAL_MISSING",
        purpose="A client that was never told of refusals has no code for them.",
        fix="Document the 4xx responses, or default.",
        place=API,
        bad='{"webhooks": {"orderPlaced": {"post": {"responses": {"4XX": null}}}}}',
        good="{}",
        severity="warning",
        source="Zalando 151, OWASP API8:2023",
        spectral=("owasp:api8:2023-define-error-validation",),
        on=("Operation",),
        check=_no_refusal,
    ),
    LintRule(
        id="SUNSET_MISSING",
        purpose="A deprecation without an end is never acted upon.",
        fix='Add "x-sunset": "2027-06-30".',
        place=API,
        bad=post('{"deprecated": true}'),
        good=post('{"deprecated": true, "x-sunset": "2027-06-30"}'),
        severity="warning",
        source="RFC 8594, Zalando 187",
        on=("Operation",),
        when=("deprecated",),
        check=_no_sunset,
    ),
    LintRule(
        id="CALLBACK_NESTED",
        purpose="Who answers a callback calls nobody back.",
        fix="Take the inner callbacks out.",
        place=API,
        bad=post(
            '{"callbacks": {"done": {"{$request.body#/url}": {"post": {"operationId": "done", "summary": "D.",'
            ' "description": "D.", "tags": ["orders"], "responses": {"204": {"description": "D."}},'
            ' "callbacks": {}}}}}}'
        ),
        good="{}",
        severity="warning",
        source="Spectral oas",
        spectral=("oas3-callbacks-in-callbacks",),
        on=("Operation",),
        when=("callbacks",),
        check=_callback_nested,
    ),
    LintRule(
        id="COLLECTION_UNPAGED",
        purpose="A list without end grows until it breaks its reader.",
        fix="Take a limit and a cursor as query parameters.",
        place=API,
        bad=get(
            '{"parameters": [], "responses": {"200": {"content": {"application/json": {"schema":'
            ' {"type": "array", "items": {"$ref": "#/components/schemas/Order"}}}}}}}'
        ),
        good="{}",
        severity="warning",
        source="Zalando 159, OWASP API4:2023",
        on=("Operation",),
        check=_unpaged,
    ),
)
