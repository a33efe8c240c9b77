"""From a CloudEvent, however it came, to the event of the log: attributes read, contract kept, keys hashed."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import orjson

from interlock.edge.cloudevents import ABSENT, Envelope, read
from interlock.model.event import UNPROTECTED, Event
from interlock.model.hashing import KeyHasher, partition_of
from interlock.model.problems import ContractViolation, Problem, UnknownContract
from interlock.ports.event_log import EventLog

if TYPE_CHECKING:
    from interlock.contracts.event_contract import EventContract
    from interlock.estate.estate import Estate


class EventIntake:
    """On the hot path: `POST /events` and the relays of the users' outboxes make their events here."""

    def __init__(self, estate: Estate, log: EventLog) -> None:
        self._latest = estate.latest
        self._contracts = estate.contracts
        self._partitions = log.partitions
        self._hasher = KeyHasher(log.secret)

    def event(self, document: Any, trace: str | None, now_us: int) -> Event:
        """The event of a CloudEvent in JSON form. Raises the problems of `cloudevents.read`, UnknownContract, or
        ContractViolation with pointers into the CloudEvent.

        `trace` is the traceparent of an event that has none of its own.
        """
        envelope = read(document)
        contract = self._contract(envelope)
        if envelope.data is ABSENT:
            detail = "is missing"
            raise ContractViolation("The event has no data.", errors=[{"pointer": "/data", "detail": detail}])
        try:
            contract.check(envelope.data)
        except ContractViolation as violation:
            raise _within(violation, "/data") from None
        key, business = contract.route(envelope.data)
        if envelope.partition_key is not None and envelope.partition_key != key:
            detail = f"differs from the partition key of the contract, {contract.partition_key}"
            raise ContractViolation(
                "The attribute partitionkey contradicts the data.",
                next_step="Leave it out, or send the contract's key.",
                errors=[{"pointer": "/partitionkey", "detail": detail}],
            )
        return self._build(envelope, contract, key, business, trace, now_us)

    def _build(
        self,
        envelope: Envelope,
        contract: EventContract,
        key: str,
        business: tuple[str, ...],
        trace: str | None,
        now_us: int,
    ) -> Event:
        digest = self._hasher.digest
        hashed = digest(key)
        key_hash = int.from_bytes(hashed, "big", signed=True)
        event_id, source, event_type, _, _, correlation, causation, own_trace, others, data = envelope
        # Event(…) would spend twice the time on matching 15 arguments to fields.
        fields = (
            partition_of(key_hash, self._partitions),
            event_id,
            source,
            event_type,
            contract.version,
            key_hash,
            now_us,
            correlation,
            causation,
            own_trace or trace,
            b"".join([hashed if value == key else digest(value) for value in business]),
            None if others is None else orjson.dumps(others),
            UNPROTECTED,
            None,
            orjson.dumps(data),
        )
        return tuple.__new__(Event, fields)

    def _contract(self, envelope: Envelope) -> EventContract:
        """By type and `dataschema`: a bare version, or a URI that ends in /<type>/<version>. Without it, the latest."""
        schema = envelope.dataschema
        latest = self._latest.get(envelope.type)
        if latest is None:
            raise self._unknown_type(envelope.type)
        if schema is None:
            return latest
        place, _, version = schema.rpartition("/")
        contract = self._contracts.get((envelope.type, version))
        if contract is None or (place and not f"/{place}".endswith("/" + envelope.type)):
            versions = ", ".join(sorted(v for t, v in self._contracts if t == envelope.type))
            raise UnknownContract(
                f"The attribute dataschema names no version of {envelope.type}; there is {versions}.",
                next_step="Send the version, or a URI ending in /<type>/<version>, or nothing for the latest.",
                errors=[{"pointer": "/dataschema", "detail": "names no known version"}],
            )
        return contract

    def _unknown_type(self, event_type: str) -> UnknownContract:
        near = get_close_matches(event_type[:80], list(self._latest), n=1)
        return UnknownContract(
            "The estate declares no event of this type." + (f" Did you mean {near[0]}?" if near else ""),
            errors=[{"pointer": "/type", "detail": "is not declared"}],
        )


def _within(problem: Problem, place: str) -> Problem:
    """The same problem, its pointers read from further out."""
    errors = [{**entry, "pointer": place + str(entry.get("pointer", ""))} for entry in problem.errors]
    return type(problem)(problem.detail, next_step=problem.step, errors=errors or [{"pointer": place}])
