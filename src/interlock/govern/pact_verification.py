"""Consumers' expectations verified: against the provider's contract, and against a provider that runs."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import msgspec

from interlock.contracts.api.description import ApiDescription
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.pact.generators import with_state
from interlock.contracts.pact.matching import Unverifiable, mismatches, status_mismatches, text_mismatches
from interlock.contracts.pact.pact_file import ABSENT, Interaction, PactFile, Part
from interlock.contracts.pact.promise import Promise, document_promise, http_promise, operation_of
from interlock.govern.provider_examples import SECONDS, answer_faults
from interlock.model.problems import TargetUnavailable
from interlock.ports.http_client import HttpAnswer, HttpClient

# In which a provider tells a message's metadata beside its content, as other verifiers of Pact expect it.
METADATA = "pact-message-metadata"
# Names under which messages say which event they are.
_TYPE_NAMES = (
    "contract",
    "ce_type",
    "ce-type",
    "cloudevents:type",
    "cloudevents_type",
    "type",
    "event",
    "topic",
    "subject",
)


class Verified(NamedTuple):
    """One interaction. `unsupported` ones were not verified, which is no success; `pending` ones may fail."""

    interaction: str
    verified: bool
    reasons: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    unsupported: bool = False
    pending: bool = False


class Contracts(NamedTuple):
    """What the provider promises: its APIs, and the schemas of its events by type."""

    apis: Sequence[ApiDescription]
    events: Mapping[str, Any]


def promised(pact: PactFile, contracts: Contracts) -> list[Verified]:
    """Each interaction against the contracts alone."""
    return [_promised(one, contracts)._replace(pending=one.pending) for one in pact.interactions]


def _promised(interaction: Interaction, contracts: Contracts) -> Verified:
    if interaction.kind == "unsupported":
        return _not_verified(interaction, interaction.unsupported)
    try:
        if interaction.kind == "message":
            found = _message(interaction, contracts.events)
        else:
            tried = [http_promise(interaction, api) for api in contracts.apis]
            found = min(tried, key=lambda one: len(one.faults), default=Promise(["the provider has no API contract"]))
    except ContractInvalid as error:
        return _not_verified(interaction, f"the contract cannot be read at {error.pointer}: {error.detail}")
    return Verified(interaction.description, not found.faults, tuple(found.faults), tuple(found.doubts))


def _message(interaction: Interaction, events: Mapping[str, Any]) -> Promise:
    body = interaction.message.body
    metadata = interaction.message.headers
    is_event = isinstance(body, dict) and "specversion" in body and "type" in body
    names = [str(body["type"])] if is_event else [metadata[name] for name in _TYPE_NAMES if name in metadata]
    names.append(interaction.description)
    name = next((one for one in names if one in events), None)
    if name is None:
        short = {type_.rpartition(".")[2].lower(): type_ for type_ in events}
        spoken = interaction.description.lower().replace(" ", "").replace("_", "")
        found = [type_ for word, type_ in short.items() if word in spoken]
        name = found[0] if len(found) == 1 else None
    if name is None:
        known = ", ".join(sorted(events)) or "none"
        return Promise([f"which event this is cannot be told; name it in the metadata as `contract`. Events: {known}"])
    return document_promise(body.get("data") if is_event else body, events[name])


class RunningProvider:
    """A provider under test: states are set up by a hook, requests sent, messages asked for."""

    def __init__(
        self, client: HttpClient, url: str, *, states_url: str | None = None, messages_url: str | None = None
    ) -> None:
        self._client = client
        self._url = url.rstrip("/")
        self._states_url = states_url
        self._messages_url = messages_url

    async def verify(self, pact: PactFile, apis: Sequence[ApiDescription] = ()) -> list[Verified]:
        """Each interaction against the provider, its answers also against the contracts that declare them."""
        found = [await self._one(one, pact.consumer, apis) for one in pact.interactions]
        return [one._replace(pending=asked.pending) for one, asked in zip(found, pact.interactions, strict=True)]

    async def _one(self, interaction: Interaction, consumer: str, apis: Sequence[ApiDescription]) -> Verified:
        if interaction.kind == "unsupported":
            return _not_verified(interaction, interaction.unsupported)
        if interaction.states and self._states_url is None:
            states = ", ".join(str(one.get("name")) for one in interaction.states)
            return _not_verified(interaction, f"it needs the state: {states}; give the provider's --provider-state-url")
        try:
            values = await self._states(interaction, consumer, "setup")
            wrong, doubts = await self._compared(interaction, values, apis)
            await self._states(interaction, consumer, "teardown")
        except Unverifiable as unknown:
            return _not_verified(interaction, str(unknown))
        except TargetUnavailable as problem:
            return Verified(interaction.description, False, (f"the provider gave no answer: {problem.detail}",))
        return Verified(interaction.description, not wrong, tuple(wrong), tuple(doubts))

    async def _states(self, interaction: Interaction, consumer: str, action: str) -> dict[str, Any]:
        """What the answers say about the states: values that the request may need."""
        values: dict[str, Any] = {}
        for state in interaction.states:
            order = {"consumer": consumer, "state": state.get("name"), "params": state.get("params") or {}}
            body = msgspec.json.encode({**order, "action": action})
            headers = {"content-type": "application/json"}
            answer = await self._client.send("POST", str(self._states_url), headers, body, SECONDS)
            if answer.status >= 400 and action == "setup":
                raise Unverifiable(f"the state {state.get('name')} could not be set up: {answer.status}")
            values |= {**(state.get("params") or {}), **_object(answer.body)}
        return values

    async def _compared(
        self, interaction: Interaction, values: Mapping[str, Any], apis: Sequence[ApiDescription]
    ) -> tuple[list[str], list[str]]:
        """Faults and doubts."""
        if interaction.kind == "message":
            return await self._message(interaction)
        request = with_state(interaction.request, values)
        query = f"?{urlencode(request.query)}" if request.query else ""
        target = self._url + quote(request.path, safe="/%:@!$&'()*+,;=-._~") + query
        headers = dict(request.headers)
        if isinstance(request.body, dict | list):
            headers.setdefault("content-type", "application/json")
        answer = await self._client.send(request.method, target, headers, request.raw_body, SECONDS)
        wrong = answer_mismatches(interaction.response, answer)
        for api in apis:
            operation = operation_of(interaction, api)
            if operation is not None:
                wrong += [f"breaks the contract: {one}" for one in answer_faults(api, operation, answer)]
        return wrong, []

    async def _message(self, interaction: Interaction) -> tuple[list[str], list[str]]:
        if self._messages_url is None:
            raise Unverifiable("messages are asked for at an address; give the provider's --message-url")
        body = msgspec.json.encode({"description": interaction.description, "providerStates": list(interaction.states)})
        headers = {"content-type": "application/json"}
        answer = await self._client.send("POST", self._messages_url, headers, body, SECONDS)
        if answer.status >= 300:
            return [f"the provider has no such message: {answer.status}"], []
        wrong, doubts = metadata_mismatches(interaction.message, answer.headers.get(METADATA, ""))
        return [*wrong, *_body(interaction.message, answer.body)], doubts


def answer_mismatches(expected: Part, answer: HttpAnswer) -> list[str]:
    """Status, headers and body. Raises Unverifiable."""
    wrong = [one["detail"] for one in status_mismatches(expected.status, answer.status, expected.rules_of("status"))]
    headers = expected.rules_of("header")
    for name, value in expected.headers.items():
        if name not in answer.headers:
            wrong.append(f"the header {name} is expected and missing")
            continue
        sent = answer.headers[name]
        found = headers.at((name,))
        if name == "content-type" and found is None:
            value, sent = (text.partition(";")[0].strip().lower() for text in (value, sent))
        wrong += [f"the header {name} {one['detail']}" for one in text_mismatches(value, sent, found)]
    return wrong + (_body(expected, answer.body) if expected.body is not ABSENT else [])


def metadata_mismatches(expected: Part, sent: str) -> tuple[list[str], list[str]]:
    """Of a message, as its header has it: a JSON object in base64. Raises Unverifiable."""
    wanted = {name: value for name, value in expected.headers.items() if name not in ("contenttype", "content-type")}
    if not wanted:
        return [], []
    if not sent:
        return [], [f"metadata {', '.join(wanted)}: the provider's answer has no header {METADATA}"]
    try:
        found = {name.lower(): value for name, value in _object(base64.b64decode(sent, validate=True)).items()}
    except binascii.Error:
        return [f"the header {METADATA} is no base64"], []
    rules, wrong = expected.rules_of("metadata"), []
    for name, value in wanted.items():
        if name not in found:
            wrong.append(f"the metadata {name} is expected and missing")
            continue
        text = found[name] if isinstance(found[name], str) else msgspec.json.encode(found[name]).decode()
        wrong += [f"the metadata {name} {one['detail']}" for one in text_mismatches(value, text, rules.at((name,)))]
    return wrong, []


def _object(raw: bytes) -> dict[str, Any]:
    """The JSON object that the bytes are; nothing when they are none."""
    try:
        found = msgspec.json.decode(raw)
    except msgspec.MsgspecError:
        return {}
    return found if isinstance(found, dict) else {}


def _body(expected: Part, raw: bytes) -> list[str]:
    if isinstance(expected.body, bytes):
        return [] if expected.body == raw else ["the bytes differ"]
    if isinstance(expected.body, str) and "json" not in expected.content_type:
        found = expected.rules_of("body").at(())
        return [one["detail"] for one in text_mismatches(expected.body, raw.decode(errors="replace"), found)]
    try:
        actual = msgspec.json.decode(raw) if raw else None
    except msgspec.MsgspecError:
        return ["the body is no JSON"]
    found_wrong = mismatches(expected.body, actual, expected.rules_of("body"))
    return [f"body{one['pointer']}: {one['detail']}" for one in found_wrong]


def _not_verified(interaction: Interaction, why: str) -> Verified:
    return Verified(interaction.description, False, (f"not verified: {why}",), unsupported=True)
