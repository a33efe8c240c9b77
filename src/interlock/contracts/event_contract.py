"""One version of one event's contract, compiled: what a producer promises about each document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.contracts import pointer
from interlock.contracts.document_schema import DocumentSchema
from interlock.contracts.semver import SemanticVersion
from interlock.model.problems import ContractViolation

EXTENSION = "x-interlock"


def event_type(domain: str, name: str, major: int) -> str:
    """The CloudEvents `type`: a breaking change gets a new one (CloudEvents primer, 'Versioning of CloudEvents')."""
    return f"{domain}.{name}" if major == 1 else f"{domain}.{name}.v{major}"


class EventContract:
    """Immutable. `check` and `route` are on the hot path.

    partition_key   JSON Pointer of the field whose value orders: events with equal values are handled in order
    business_keys   JSON Pointers of the fields by which people look an event up; absent or null ones are left out
    """

    __slots__ = (
        "_business",
        "_key",
        "_schema",
        "business_keys",
        "domain",
        "name",
        "owner",
        "partition_key",
        "schema",
        "type",
        "version",
    )

    def __init__(self, domain: str, name: str, version: str, schema: Mapping[str, Any]) -> None:
        """Raises SchemaInvalid, ValueError for a version or pointer that is none, KeyError without `x-interlock`."""
        extension = schema[EXTENSION]
        self.domain = domain
        self.name = name
        self.version = version
        self.type = event_type(domain, name, SemanticVersion.parse(version).major)
        self.schema = schema
        self.owner: str = extension["owner"]
        self.partition_key: str = extension["partition_key"]
        self.business_keys: tuple[str, ...] = tuple(extension.get("business_keys", ()))
        self._schema = DocumentSchema(schema)
        self._key = pointer.split(self.partition_key)
        self._business = tuple((tokens[0], tokens[1:]) for tokens in map(pointer.split, self.business_keys))

    def __repr__(self) -> str:
        return f"EventContract({self.type} {self.version})"

    def check(self, data: Any) -> None:
        """Raises ContractViolation with one entry of `errors` for each wrong place."""
        if not self._schema.is_valid(data):
            self._refuse(data)

    def route(self, data: Any) -> tuple[str, tuple[str, ...]]:
        """The partition key and the business keys of a document that `check` let pass."""
        key = data
        for token in self._key:
            key = key[token]
        business = []
        for first, rest in self._business:
            value = data.get(first)
            for token in rest:
                value = value.get(token) if type(value) is dict else None
            if type(value) is str:
                business.append(value)
            elif value is not None:
                business.append(_text(value))
        return key if type(key) is str else _text(key), tuple(business)

    def _refuse(self, data: Any) -> None:
        errors = self._schema.errors(data)
        places = "1 place" if len(errors) == 1 else f"{len(errors)} places"
        raise ContractViolation(f"The data breaks {self.type} {self.version} in {places}.", errors=errors)


def _text(value: Any) -> str:
    """One text per key: 7 and 7.0 are the same JSON number (JSON Schema 2020-12 core, section 4.2.3)."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise TypeError("a key is a string or a number")
