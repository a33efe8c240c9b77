"""Example events of contracts as CloudEvents 1.0 (JSON format): the authors' examples in turn, or generated ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from interlock.contracts.api.schema_bundle import resolved
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.document_schema import DocumentSchema, SchemaInvalid
from interlock.contracts.mock.content import Generator, NoContent
from interlock.contracts.mock.sample import NoSample, sample
from interlock.model.clock import to_rfc3339

MAX_EVENTS = 1000
# The first of January 2026; each event is a second later. A fixed time keeps a mock's output the same from run to run.
_START_US = 1_767_225_600_000_000


@dataclass(frozen=True, slots=True)
class EventSchema:
    """One event type as its contract describes it."""

    type: str
    version: str
    schema: Mapping[str, Any]


class EventMock:
    """All event types of a mock. Raises ContractInvalid for a schema that does not compile."""

    def __init__(self, schemas: Sequence[EventSchema], generate: Generator, seed: int = 0) -> None:
        self.schemas = {one.type: one for one in schemas}
        self._generate = generate
        self._seed = seed
        self._validators: dict[str, DocumentSchema] = {}
        for one in schemas:
            try:
                self._validators[one.type] = DocumentSchema(one.schema)
            except SchemaInvalid as error:
                raise ContractInvalid(error.pointer, error.detail) from None

    def events(self, name: str, count: int, dynamic: bool = False, after: int = 0) -> list[dict[str, Any]]:
        """`count` events of a known type, the first being number `after` + 1. Raises NoContent."""
        documents = self._documents(name, count, dynamic, after)
        return [self._event(name, after + at, data) for at, data in enumerate(documents, 1)]

    def errors(self, name: str, data: Any) -> list[dict[str, str]]:
        return self._validators[name].errors(data)

    def _event(self, name: str, number: int, data: Any) -> dict[str, Any]:
        one = self.schemas[name]
        return {
            "specversion": "1.0",
            "id": f"mock-{self._seed}-{number}",
            "source": "/mock",
            "type": name,
            "time": to_rfc3339(_START_US + number * 1_000_000),
            "datacontenttype": "application/json",
            "dataschema": f"urn:interlock:{name}:{one.version}",
            "data": data,
        }

    def _documents(self, name: str, count: int, dynamic: bool, after: int) -> list[Any]:
        schema, validator = self.schemas[name].schema, self._validators[name]
        written = [one for one in schema.get("examples") or () if validator.is_valid(one)]
        if written and not dynamic:
            return [written[(after + at) % len(written)] for at in range(count)]
        made = (one for one in self._generate(schema, self._seed + after) if one not in written)
        found = list(islice(filter(validator.is_valid, made), count)) or self._sampled(schema, validator)
        if not found:
            raise NoContent(f"No valid {name} could be made. Add an example to the contract.")
        return [found[at % len(found)] for at in range(count)]

    def _sampled(self, schema: Mapping[str, Any], validator: DocumentSchema) -> list[Any]:
        try:
            made = sample(resolved(schema, schema))
        except NoSample:
            return []
        return [made] if validator.is_valid(made) else []
