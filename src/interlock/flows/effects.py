"""From what a context collected to a StepResult: validated, encoded, keyed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from interlock.contracts.event_contract import EventContract
from interlock.model.clock import Clock
from interlock.model.event import UNPROTECTED, Event
from interlock.model.hashing import KeyHasher, idempotency_key, partition_of
from interlock.model.ids import Ids
from interlock.model.problems import HandlerFailed
from interlock.model.record import DeliveryRow, DeliveryState
from interlock.model.step import EMPTY, StepResult
from interlock.sdk.context import CallRequest, Context

ContractKey = tuple[str, str]
encode = msgspec.json.encode


class CallTargets(Protocol):
    """Whether an operation (`payments.charge`) is declared."""

    def __contains__(self, operation: object, /) -> bool: ...


class Effects:
    """Knows the contracts, the log's hashing and the declared operations; makes results out of contexts."""

    def __init__(
        self,
        contracts: Mapping[ContractKey, EventContract],
        operations: CallTargets,
        hasher: KeyHasher,
        partitions: int,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._contracts = contracts
        self._operations = operations
        self._hasher = hasher
        self._partitions = partitions
        self._clock = clock
        self._ids = ids

    def digest(self, key: str) -> bytes:
        """The keyed hash of a business or partition key."""
        return self._hasher.digest(key)

    def partition(self, key_hash: int) -> int:
        return partition_of(key_hash, self._partitions)

    def collect(self, context: Context, position: int) -> StepResult:
        """The result of a finished run. ContractViolation for a fact that breaks its contract."""
        if not (context.emits or context.calls):
            if not (context.puts or context.adds or context.reads):
                return EMPTY
            return StepResult(tuple(context.reads), tuple(context.puts), tuple(context.adds))
        now_us = self._clock.now_us()
        return StepResult(
            tuple(context.reads),
            tuple(context.puts),
            tuple(context.adds),
            tuple([self._event(fact, context, now_us) for fact in context.emits]),
            tuple([self._delivery(call, context, position, now_us) for call in context.calls]),
        )

    def _event(self, fact: Any, context: Context, now_us: int) -> Event:
        cause = context.event
        contract = self._contract(fact)
        data = msgspec.to_builtins(fact)
        contract.check(data)
        key, business = contract.route(data)
        digest = self._hasher.digest
        hashed = digest(key)
        key_hash = int.from_bytes(hashed, "big", signed=True)
        return Event(
            partition_of(key_hash, self._partitions),
            self._ids.new_id(),
            f"flow:{context.flow}",
            contract.type,
            contract.version,
            key_hash,
            now_us,
            cause.correlation or cause.id,
            cause.id,
            cause.trace,
            b"".join([hashed if word == key else digest(word) for word in business]),
            None,
            UNPROTECTED,
            None,
            encode(fact),
        )

    def _contract(self, fact: Any) -> EventContract:
        kind = type(fact)
        try:
            return self._contracts[kind.__contract__, kind.__version__]
        except (AttributeError, KeyError):
            raise HandlerFailed(
                f"emit was given {kind.__name__}, which is no event class of this estate.",
                next_step="Emit an instance of a class from estate.contracts; run: interlock generate",
            ) from None

    def _delivery(self, call: CallRequest, context: Context, position: int, now_us: int) -> DeliveryRow:
        if call.operation not in self._operations:
            raise HandlerFailed(
                f"The estate declares no operation {call.operation}.",
                next_step="Declare it in systems/<system>.toml; run: interlock check",
            )
        system, _, operation = call.operation.partition(".")
        cause = context.event
        return DeliveryRow(
            self._ids.new_id(),
            context.flow,
            cause.partition,
            position,
            context.generation,
            cause.key_hash,
            cause.id,
            cause.correlation or cause.id,
            cause.trace,
            system,
            operation,
            call.step,
            idempotency_key(f"{cause.source}\x1f{cause.id}", context.flow, call.step),
            DeliveryState.PENDING,
            0,
            now_us,
            now_us,
            encode(call.body),
        )
