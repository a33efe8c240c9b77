"""A request to the registry, taken apart: path variables, query, and a body of known members."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from interlock.contracts.strict_json import parse
from interlock.edge.exchange import Request
from interlock.edge.media_type import media_type
from interlock.model.problems import CallerProblem
from interlock.ports.schema_store import Reference
from interlock.registry.catalog import LATEST, MAX_VERSION
from interlock.registry.metadata import stored
from interlock.registry.refusal import BAD_REQUEST, INVALID_SCHEMA, MEDIA_TYPE, UNRECOGNIZED_FIELD
from interlock.registry.registration import Numbers
from interlock.registry.schema_reading import AskedSchema
from interlock.registry.subject_name import DEFAULT_CONTEXT, qualified

MEDIA = ("application/vnd.schemaregistry.v1+json", "application/vnd.schemaregistry+json", "application/json")
_TAKEN = frozenset({*MEDIA, "application/octet-stream", ""})
_SCHEMA_FIELDS = frozenset({"schema", "schemaType", "references", "metadata", "ruleSet", "id", "version", "subject"})
_DEPTH = 64
# A client of a newer release says so, and then does not mind what an older server passes over.
_TOLERANT = "confluent-accept-unknown-properties"


class Asked:
    """`params` are decoded path variables; `context` is that of a path below /contexts/."""

    def __init__(self, request: Request, params: Mapping[str, str], context: str) -> None:
        self.request = request
        self.params = params
        self.context = context
        self._query = parse_qs(request.query, keep_blank_values=True)

    @property
    def subject(self) -> str:
        """In its one spelling."""
        return qualified(self.params["subject"], self.context)

    @property
    def scope(self) -> str:
        """Of a setting: the subject, or the context of the path."""
        if "subject" in self.params:
            return self.subject
        return "" if self.context == DEFAULT_CONTEXT else f":{self.context}:"

    def text(self, name: str, default: str = "") -> str:
        return self._query.get(name, [default])[-1]

    def texts(self, name: str) -> list[str]:
        return self._query.get(name, [])

    def flag(self, name: str) -> bool:
        return self.text(name).lower() == "true"

    def window(self, items: list[Any]) -> list[Any]:
        """`offset` and `limit` of a list; a limit below 1 means all."""
        offset, limit = self._number("offset", 0), self._number("limit", -1)
        return items[offset : offset + limit] if limit > 0 else items[offset:]

    def _number(self, name: str, default: int) -> int:
        text = self.text(name, str(default))
        try:
            found = int(text)
        except ValueError:
            raise BAD_REQUEST(f"{name} is a whole number.") from None
        return max(found, 0) if name == "offset" else found

    def body(self, known: frozenset[str]) -> dict[str, Any]:
        """The JSON object that was sent. Raises Refusal."""
        self._check_media()
        try:
            found = parse(self.request.body, _DEPTH)
        except CallerProblem as problem:
            raise BAD_REQUEST(f"{problem.detail} {problem.step}") from None
        if not isinstance(found, dict):
            raise BAD_REQUEST("The body is one JSON object.")
        others = sorted(found.keys() - known)
        if others and self.request.headers.get(_TOLERANT, "").lower() != "true":
            raise UNRECOGNIZED_FIELD(others[0])
        return {name: value for name, value in found.items() if name in known}

    def schema(self) -> tuple[AskedSchema, Numbers]:
        """The schema in the body, with the numbers that an import gives it."""
        body = self.body(_SCHEMA_FIELDS)
        text, kind = body.get("schema"), body.get("schemaType") or "AVRO"
        if not isinstance(text, str) or not isinstance(kind, str):
            raise INVALID_SCHEMA("the schema is empty: send it as a text in the member schema.")
        metadata, rules = body.get("metadata"), body.get("ruleSet")
        if not all(isinstance(one, dict | None) for one in (metadata, rules)):
            raise BAD_REQUEST("metadata and ruleSet are objects.")
        asked = AskedSchema(text, kind.upper(), _references(body.get("references") or []), stored(metadata, rules))
        return asked, Numbers(_given(body, "id"), _given(body, "version"))

    def _check_media(self) -> None:
        try:
            media = media_type(self.request.headers.get("content-type", ""))
        except CallerProblem:
            raise MEDIA_TYPE() from None
        if media not in _TAKEN:
            raise MEDIA_TYPE()


def _given(body: Mapping[str, Any], name: str) -> int | None:
    """A number from 1; what says 'choose one' is no number: null, 0 and -1."""
    found = body.get(name)
    if found in (None, 0, LATEST):
        return None
    if type(found) is not int or not 1 <= found <= MAX_VERSION:
        raise BAD_REQUEST(f"{name} is a whole number from 1.")
    return found


def _references(found: Any) -> tuple[Reference, ...]:
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise BAD_REQUEST("references is a list of objects with name, subject and version.")
    made = [Reference(one.get("name"), one.get("subject"), one.get("version")) for one in found]
    for one in made:
        if not (isinstance(one.name, str) and isinstance(one.subject, str) and type(one.version) is int):
            raise BAD_REQUEST("A reference has name and subject, texts, and version, a whole number.")
    return tuple(made)
