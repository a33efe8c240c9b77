"""Rules for what an operation documents of HTTP: RFC 9110, RFC 9457, RFC 6585, idempotency keys and preconditions."""

from __future__ import annotations

import re
from typing import Any

from interlock.contracts.lint.operation import UNSAFE, documents, header, responses, served, title
from interlock.contracts.lint.operation_rules import get, post, put
from interlock.contracts.lint.rule import Flaws, LintRule
from interlock.contracts.lint.samples import API
from interlock.contracts.lint.scene import Scene

IDEMPOTENCY = "x-idempotency"
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+*-]+/[\w!#$&^.+*-]+(?:\s*;\s*[\w!#$&^.+-]+=(?:[\w!#$&^.+/-]+|\"[^\"]*\"))*")
_CONDITIONS = ("if-match", "if-unmodified-since")
_NO_CONTENT = frozenset({"204", "205", "304"})
_DESCRIBED_EMPTY = '{"description": "Done.", "content": {"application/json": {"schema": {"type": "boolean"}}}}'
_PLAIN = '{"content": {"application/problem+json": null, "application/json": {"schema": {"type": "boolean"}}}}'


def _is_optional(node: Any) -> bool:
    return bool(node.get(IDEMPOTENCY) == "optional")


def _no_key(node: Any, scene: Scene) -> Flaws:
    if (
        scene.token() in UNSAFE
        and served(scene)
        and not _is_optional(node)
        and not header(node, scene, "idempotency-key")
    ):
        yield (), f"{title(scene)} takes no Idempotency-Key."


def _key_optional(node: Any, scene: Scene) -> Flaws:
    key = header(node, scene, "idempotency-key")
    if key is not None and scene.token() in UNSAFE and not _is_optional(node) and key.get("required") is not True:
        yield (), f"{title(scene)} takes an Idempotency-Key, but does not require it."


def _no_conflict(node: Any, scene: Scene) -> Flaws:
    if scene.token() in UNSAFE and header(node, scene, "idempotency-key") and not documents(node, "409"):
        yield ("responses",), f"{title(scene)} takes an Idempotency-Key and documents no 409."


def _no_mismatch(node: Any, scene: Scene) -> Flaws:
    if (
        scene.token() in UNSAFE
        and "requestBody" in node
        and header(node, scene, "idempotency-key")
        and not documents(node, "422")
    ):
        yield ("responses",), f"{title(scene)} takes an Idempotency-Key and a body, and documents no 422."


def _no_412(node: Any, scene: Scene) -> Flaws:
    named = [name for name in (*_CONDITIONS, "if-none-match") if header(node, scene, name)]
    if named and scene.token() in UNSAFE and not documents(node, "412"):
        yield ("responses",), f"{title(scene)} takes {named[0].title()} and documents no 412."


def _no_428(node: Any, scene: Scene) -> Flaws:
    for name in _CONDITIONS:
        found = header(node, scene, name)
        if found and found.get("required") is True and not documents(node, "428"):
            yield ("responses",), f"{title(scene)} requires {name.title()} and documents no 428."


def _unguarded(node: Any, scene: Scene) -> Flaws:
    path = scene.token(1)
    replaces = scene.token() in ("put", "patch") and path.endswith("}") and served(scene)
    if replaces and not any(header(node, scene, name) for name in _CONDITIONS):
        yield (), f"{title(scene)} overwrites whatever is there: it takes no If-Match."


def _no_etag(node: Any, scene: Scene) -> Flaws:
    """Of a path item: who asks for If-Match must hand out the ETag."""
    reading = node.get("get")
    asks = any(
        str(one.get("name")).lower() == "if-match"
        for method in ("put", "patch", "delete")
        if isinstance(node.get(method), dict)
        for _, one in scene.objects(node[method].get("parameters"))
    )
    if not asks or not isinstance(reading, dict):
        return
    response = scene.followed(responses(reading).get("200", {}))
    headers = response.get("headers") if isinstance(response, dict) else None
    if not any(name.lower() == "etag" for name in headers or ()):
        yield ("get",), f"GET {scene.token()} hands out no ETag, and If-Match is asked for."


def _problem(node: Any, scene: Scene) -> Flaws:
    if not served(scene):
        return
    for status, response in responses(node).items():
        whole = scene.followed(response)
        content = whole.get("content") if isinstance(whole, dict) and status[:1] in "45d" else None
        if isinstance(content, dict) and content and not any("problem+" in media for media in content):
            yield ("responses", status), f"{title(scene)} answers {status} with {next(iter(content))}."


def _bodiless(node: Any, scene: Scene) -> Flaws:
    if scene.token() in ("get", "head"):
        yield ("requestBody",), f"{title(scene)} takes a body."


def _no_content(node: Any, scene: Scene) -> Flaws:
    for status in _NO_CONTENT & node.keys():
        whole = scene.followed(node[status])
        if isinstance(whole, dict) and whole.get("content"):
            yield (status,), f"{status} has no content, but some is documented."


def _no_location(node: Any, scene: Scene) -> Flaws:
    whole = scene.followed(responses(node).get("201", {}))
    if scene.token() != "post" or not isinstance(whole, dict) or not whole or not served(scene):
        return
    if not whole.get("content") and not any(name.lower() == "location" for name in whole.get("headers") or ()):
        yield ("responses", "201"), f"{title(scene)} creates something and shows neither it nor its Location."


def _no_retry_after(node: Any, scene: Scene) -> Flaws:
    for status in ("429", "503"):
        whole = scene.followed(node.get(status, {}))
        if isinstance(whole, dict) and whole:
            names = {name.lower() for name in whole.get("headers") or ()}
            if not names & {"retry-after", "x-ratelimit-reset", "ratelimit", "ratelimit-reset"}:
                yield (status,), f"{status} does not say when to come back."


def _status(node: Any, scene: Scene) -> Flaws:
    for status in node:
        if len(status) == 3 and status.isdigit() and int(status) in range(100, 600) and int(status) not in _REGISTERED:
            yield (status,), f"{status} is no registered status."


_REGISTERED = frozenset(
    {100, 101, 102, 103, *range(200, 209), 226, *range(300, 306), 307, 308, *range(400, 419), *range(421, 427)}
    | {428, 429, 431, 451, *range(500, 509), 510, 511}
)  # fmt: skip


def _media_type(node: Any, scene: Scene) -> Flaws:
    content = node["content"]
    for media in content if isinstance(content, dict) else ():
        if not _MEDIA_TYPE.fullmatch(media):
            yield ("content", media), f'"{media}" is no media type.'


def _root_array(node: Any, scene: Scene) -> Flaws:
    content = node["content"]
    for media, entry in content.items() if isinstance(content, dict) else ():
        schema = scene.followed(entry.get("schema")) if isinstance(entry, dict) and "json" in media else None
        if isinstance(schema, dict) and schema.get("type") == "array":
            yield ("content", media, "schema"), "The answer is a bare list: nothing can ever be added beside it."


def _example_either(node: Any, scene: Scene) -> Flaws:
    if ("value" in node) == ("externalValue" in node) and "$ref" not in node:
        yield (), "An example has either value or externalValue."


HTTP_RULES: tuple[LintRule, ...] = (
    LintRule(
        id="IDEMPOTENCY_KEY_MISSING",
        purpose="A caller that got no answer must be able to ask again without the work being done twice.",
        fix='Declare the header parameter Idempotency-Key, required; or say "x-idempotency": "optional".',
        place=API,
        bad=post('{"parameters": []}'),
        good=post('{"parameters": [], "x-idempotency": "optional"}'),
        governed=True,
        source="draft-ietf-httpapi-idempotency-key-header, Zalando 230",
        on=("Operation",),
        check=_no_key,
    ),
    LintRule(
        id="IDEMPOTENCY_KEY_OPTIONAL",
        purpose="A key that may be left out is left out by the caller whose retry does the damage.",
        fix='Add "required": true; or say "x-idempotency": "optional" where a repetition does no harm.',
        place=API,
        bad='{"components": {"parameters": {"Key": {"required": false}}}}',
        good="{}",
        governed=True,
        source="Interlock",
        on=("Operation",),
        check=_key_optional,
    ),
    LintRule(
        id="CONFLICT_UNDOCUMENTED",
        purpose="While the first request with a key runs, a second one is answered 409; callers must know.",
        fix="Document the response 409.",
        place=API,
        bad=post('{"responses": {"409": null}}'),
        good="{}",
        governed=True,
        source="RFC 9110 section 15.5.10, draft-ietf-httpapi-idempotency-key-header",
        on=("Operation",),
        when=("responses",),
        check=_no_conflict,
    ),
    LintRule(
        id="KEY_REUSE_UNDOCUMENTED",
        purpose="A key that comes again with another body is answered 422: the caller's mistake, to be told apart.",
        fix="Document the response 422.",
        place=API,
        bad=post('{"responses": {"422": null}}'),
        good="{}",
        severity="warning",
        governed=True,
        source="draft-ietf-httpapi-idempotency-key-header",
        on=("Operation",),
        when=("responses",),
        check=_no_mismatch,
    ),
    LintRule(
        id="PRECONDITION_UNDOCUMENTED",
        purpose="A caller that sends a condition must know how it fails.",
        fix="Document the response 412.",
        place=API,
        bad=put('{"responses": {"412": null}}'),
        good="{}",
        source="RFC 9110 section 13.1",
        on=("Operation",),
        when=("responses",),
        check=_no_412,
    ),
    LintRule(
        id="PRECONDITION_REQUIRED_UNDOCUMENTED",
        purpose="Who requires a condition answers 428 without it.",
        fix="Document the response 428.",
        place=API,
        bad=put('{"responses": {"428": null}}'),
        good="{}",
        source="RFC 6585 section 3",
        on=("Operation",),
        when=("responses",),
        check=_no_428,
    ),
    LintRule(
        id="LOST_UPDATE",
        purpose="Of two callers that replace the same thing, the second wipes out what the first has written.",
        fix="Take If-Match, and document 412 and 428.",
        place=API,
        bad=put('{"parameters": [{"$ref": "#/components/parameters/Key"}]}'),
        good="{}",
        severity="warning",
        source="RFC 9110 section 13.1.1, Zalando 182",
        on=("Operation",),
        check=_unguarded,
    ),
    LintRule(
        id="ETAG_MISSING",
        purpose="If-Match can only be sent by who was given an ETag.",
        fix="Document the header ETag on the 200 of GET.",
        place=API,
        bad=get('{"responses": {"200": {"headers": null}}}', "/orders/{order_id}"),
        good="{}",
        severity="warning",
        source="RFC 9110 section 8.8.3, Zalando 182",
        on=("PathItem",),
        check=_no_etag,
    ),
    LintRule(
        id="PROBLEM_MISSING",
        purpose="One shape for all refusals lets a client have one piece of code for them.",
        fix="Offer application/problem+json.",
        place=API,
        bad='{"components": {"responses": {"Refused": ' + _PLAIN + "}}}",
        good="{}",
        governed=True,
        source="RFC 9457, Zalando 176",
        on=("Operation",),
        check=_problem,
    ),
    LintRule(
        id="REQUEST_BODY_SENSELESS",
        purpose="A body of GET or HEAD has no meaning; proxies drop it, and some refuse the request.",
        fix="Use query parameters, or POST.",
        place=API,
        bad=get('{"requestBody": {"content": {"application/json": {"schema": {"type": "boolean"}}}}}'),
        good="{}",
        source="RFC 9110 section 9.3.1, Zalando 148",
        on=("Operation",),
        when=("requestBody",),
        check=_bodiless,
    ),
    LintRule(
        id="CONTENT_IMPOSSIBLE",
        purpose="204, 205 and 304 end after the head; a body that is documented there never arrives.",
        fix="Remove the content, or answer 200.",
        place=API,
        bad=put('{"responses": {"204": ' + _DESCRIBED_EMPTY + "}}"),
        good="{}",
        source="RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5",
        on=("Responses",),
        check=_no_content,
    ),
    LintRule(
        id="LOCATION_MISSING",
        purpose="Who has created something wants to find it again.",
        fix="Document the header Location on 201, or answer what was created.",
        place=API,
        bad=post('{"responses": {"201": {"headers": null}}}'),
        good="{}",
        severity="warning",
        source="RFC 9110 section 15.3.2, Zalando 148",
        on=("Operation",),
        when=("responses",),
        check=_no_location,
    ),
    LintRule(
        id="RETRY_AFTER_MISSING",
        purpose="Without a time to come back, callers come back at once, all of them.",
        fix="Document the header Retry-After on 429 and 503.",
        place=API,
        bad='{"components": {"responses": {"Limited": {"headers": null}}}}',
        good="{}",
        severity="warning",
        source="RFC 6585 section 4, Zalando 153, OWASP API4:2023",
        spectral=("owasp:api4:2023-rate-limit-retry-after",),
        on=("Responses",),
        check=_no_retry_after,
    ),
    LintRule(
        id="STATUS_UNREGISTERED",
        purpose="Clients and proxies treat a status that nobody has registered as they please.",
        fix="Use a registered status (IANA's HTTP Status Code Registry).",
        place=API,
        bad=post('{"responses": {"299": {"description": "Half done."}}}'),
        good=post('{"responses": {"202": {"description": "Taken."}}}'),
        severity="warning",
        source="RFC 9110 section 16.2, Zalando 243",
        on=("Responses",),
        check=_status,
    ),
    LintRule(
        id="MEDIA_TYPE_INVALID",
        purpose="A body is chosen by its media type; one that is none is never chosen.",
        fix="Write type/subtype, such as application/json.",
        place=API,
        bad=post('{"requestBody": {"content": {"json": {"schema": {"type": "boolean"}}}}}'),
        good="{}",
        source="RFC 9110 section 8.3.1",
        on=("RequestBody", "Response", "Parameter", "Header"),
        when=("content",),
        check=_media_type,
    ),
    LintRule(
        id="ANSWER_BARE_LIST",
        purpose="A bare list leaves no room for a cursor, a count or a warning beside it.",
        fix="Answer an object with the list in it.",
        place=API,
        bad=get(
            '{"responses": {"200": {"content": {"application/json": {"schema": {"type": "array", "maxItems": 9}}}}}}'
        ),
        good="{}",
        severity="warning",
        source="Zalando 110",
        on=("Response",),
        when=("content",),
        check=_root_array,
    ),
    LintRule(
        id="EXAMPLE_EMPTY",
        purpose="An example object shows one value: in it, or behind a link.",
        fix='Give either "value" or "externalValue".',
        place=API,
        bad=post('{"requestBody": {"content": {"application/json": {"example": null, "examples": {"one": {}}}}}}'),
        good="{}",
        severity="warning",
        source="Spectral oas",
        spectral=("oas3-examples-value-or-externalValue",),
        on=("Example",),
        check=_example_either,
    ),
)
