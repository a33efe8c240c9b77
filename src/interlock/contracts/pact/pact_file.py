"""Pact files of the specifications 2, 3 and 4 as one shape: who expects what of whom."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import parse_qsl

from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.pact.rules import Rules, read_rules

ABSENT: Any = object()


@dataclass(frozen=True, slots=True)
class Part:
    """A request, an answer or a message. `body` is ABSENT when nothing is expected of it.

    headers     names in lower case; of a message, its metadata
    rules       by part: path, query, header, body, status
    generators  as the file has them, by part
    """

    body: Any = ABSENT
    headers: Mapping[str, str] = field(default_factory=dict)
    rules: Mapping[str, Rules] = field(default_factory=dict)
    method: str = ""
    path: str = ""
    query: tuple[tuple[str, str], ...] = ()
    status: int = 0
    generators: Mapping[str, Any] = field(default_factory=dict)

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", self.headers.get("contenttype", ""))

    def rules_of(self, part: str) -> Rules:
        return self.rules.get(part, Rules())

    @property
    def raw_body(self) -> bytes:
        if self.body is ABSENT or self.body is None:
            return b"" if self.body is ABSENT or "json" not in self.content_type else b"null"
        if isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, str) and "json" not in self.content_type:
            return self.body.encode()
        return json.dumps(self.body, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class Interaction:
    """`unsupported` says why it cannot be verified; then the parts are empty.

    pending   the provider has not promised it yet: that it fails is told, and fails nothing (specification 4)
    """

    kind: Literal["http", "message", "unsupported"]
    description: str
    states: tuple[Mapping[str, Any], ...] = ()
    request: Part = Part()
    response: Part = Part()
    message: Part = Part()
    unsupported: str = ""
    place: str = ""
    pending: bool = False


@dataclass(frozen=True, slots=True)
class PactFile:
    consumer: str
    provider: str
    consumer_version: str
    interactions: tuple[Interaction, ...]


def read_pact(document: Any) -> PactFile:
    """Raises ContractInvalid with a pointer."""
    if not isinstance(document, Mapping):
        raise ContractInvalid("", "The document is no Pact file: it is no object.")
    names = {}
    for who in ("consumer", "provider"):
        named = document.get(who)
        if not isinstance(named, Mapping) or not isinstance(named.get("name"), str):
            raise ContractInvalid(f"/{who}/name", f"The document is no Pact file: it names no {who}.")
        names[who] = named["name"]
    interactions = []
    for group in ("interactions", "messages"):
        for at, raw in enumerate(document.get(group) or ()):
            place = f"/{group}/{at}"
            try:
                made = _interaction(raw, group == "messages", place)
                interactions.append(replace(made, pending=raw.get("pending") is True))
            except (ValueError, TypeError, AttributeError, KeyError, binascii.Error) as error:
                raise ContractInvalid(place, f"The interaction cannot be read: {error}.") from None
    if not interactions:
        detail = "The pact expects nothing: it has neither interactions nor messages."
        raise ContractInvalid("/interactions", detail, "Let the consumer's tests write it again.")
    version = document["consumer"].get("version")
    return PactFile(names["consumer"], names["provider"], str(version or ""), tuple(interactions))


def _interaction(raw: Mapping[str, Any], is_message: bool, place: str) -> Interaction:
    description = str(raw.get("description", place))
    states = _states(raw)
    kind = str(raw.get("type", ""))
    plugins = raw.get("pluginConfiguration") or (raw.get("interactionMarkup") and kind.startswith("Plugin"))
    if plugins:
        return Interaction("unsupported", description, states, unsupported="it needs a Pact plugin", place=place)
    if kind == "Synchronous/Messages":
        why = "synchronous messages are not verified"
        return Interaction("unsupported", description, states, unsupported=why, place=place)
    if is_message or kind == "Asynchronous/Messages":
        made = Interaction("message", description, states, message=_message(raw), place=place)
        return _supported(made, made.message)
    made = Interaction(
        "http", description, states, request=_request(raw["request"]), response=_response(raw["response"]), place=place
    )
    return _supported(_supported(made, made.request), made.response)


def _supported(made: Interaction, part: Part) -> Interaction:
    """Bodies whose rules cannot be applied here."""
    media = part.content_type.lower()
    if part.body is not ABSENT and made.kind != "unsupported" and ("xml" in media or "protobuf" in media):
        why = f"bodies of {media.partition(';')[0]} are not verified"
        return Interaction("unsupported", made.description, made.states, unsupported=why, place=made.place)
    return made


def _request(raw: Mapping[str, Any]) -> Part:
    return Part(
        body=_body(raw),
        headers=_headers(raw),
        rules=_rules(raw, ("path", "query", "header", "body")),
        method=str(raw["method"]).upper(),
        path=str(raw["path"]),
        query=_query(raw.get("query")),
        generators=_generators(raw),
    )


def _response(raw: Mapping[str, Any]) -> Part:
    rules = _rules(raw, ("status", "header", "body"))
    return Part(body=_body(raw), headers=_headers(raw), rules=rules, status=int(raw.get("status", 200)))


def _message(raw: Mapping[str, Any]) -> Part:
    """Version 3 has the contents themselves, version 4 wraps them like a body."""
    contents = raw.get("contents", ABSENT)
    metadata = {
        str(name).lower(): _text(value) for name, value in (raw.get("metadata") or raw.get("metaData") or {}).items()
    }
    if isinstance(contents, Mapping) and "content" in contents and ("contentType" in contents or "encoded" in contents):
        metadata.setdefault("contenttype", str(contents.get("contentType") or ""))
        contents = _wrapped(contents)
    return Part(body=contents, headers=metadata, rules=_rules(raw, ("body", "metadata")))


def _rules(raw: Mapping[str, Any], parts: tuple[str, ...]) -> dict[str, Rules]:
    return {part: read_rules(raw.get("matchingRules"), part) for part in parts}


def _body(raw: Mapping[str, Any]) -> Any:
    """Version 4 wraps it with its type; in earlier ones it stands there itself."""
    if "body" not in raw:
        return ABSENT
    body = raw["body"]
    if isinstance(body, Mapping) and "content" in body and ("contentType" in body or "encoded" in body):
        return _wrapped(body)
    return body


def _wrapped(body: Mapping[str, Any]) -> Any:
    content, encoded = body["content"], body.get("encoded", False)
    if encoded in (False, None, "", "false") or not isinstance(content, str):
        return content
    if str(encoded).lower() == "json":
        return json.loads(content)
    return base64.b64decode(content, validate=True)


def _generators(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    found = raw.get("generators")
    return found if isinstance(found, Mapping) else {}


def _headers(raw: Mapping[str, Any]) -> dict[str, str]:
    found = {str(name).lower(): _text(value) for name, value in (raw.get("headers") or {}).items()}
    body = raw.get("body")
    if isinstance(body, Mapping) and isinstance(body.get("contentType"), str) and "content" in body:
        found.setdefault("content-type", body["contentType"])
    return found


def _text(value: Any) -> str:
    return ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)


def _query(raw: Any) -> tuple[tuple[str, str], ...]:
    if isinstance(raw, str):
        return tuple(parse_qsl(raw, keep_blank_values=True))
    pairs = []
    for name, values in (raw or {}).items():
        pairs += [(str(name), str(one)) for one in (values if isinstance(values, list) else [values])]
    return tuple(pairs)


def _states(raw: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    old = raw.get("providerState") or raw.get("provider_state")
    if isinstance(old, str):
        return ({"name": old},)
    return tuple(one for one in raw.get("providerStates") or () if isinstance(one, Mapping))
