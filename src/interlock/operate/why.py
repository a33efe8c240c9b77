"""`why`: from an event id, a business key or a delivery id to the whole story, by questions asked of the record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from interlock.delivery.settlement import is_timer
from interlock.delivery.targets import subject_of
from interlock.flows.saga.records import Entry
from interlock.model.event import Event, Stored
from interlock.model.handling import HandlingState
from interlock.model.problems import NotFound
from interlock.model.record import DeliveryAttempt, DeliveryRow, DeliveryState, FailedAttempt, HandlingRow, StartRow
from interlock.model.saga import EntryState, run_id
from interlock.operate.runs import entries_of, is_over
from interlock.operate.story import Fact, FactKind, Span, Story, StoryState
from interlock.ports.record_reader import RecordReader

MAX_CORRELATIONS = 20
REPLY_PREFIX, NEWS_PREFIX = "reply:", "run:"

_HANDLING_KINDS: dict[HandlingState, FactKind] = {
    HandlingState.PARKED: FactKind.PARKED,
    HandlingState.DONE: FactKind.HANDLED,
    HandlingState.SKIPPED: FactKind.SKIPPED,
    HandlingState.DEAD: FactKind.DEAD,
    HandlingState.DISCARDED: FactKind.DISCARDED,
}
_ORDER = {kind: rank for rank, kind in enumerate(FactKind)}


async def tell(reader: RecordReader, term: str, flows: Mapping[str, Sequence[str]] | None = None) -> Story:
    """The story of `term`. NotFound when nothing has that name.

    `flows` gives the event types that each flow takes: with it, an event that a flow has not come to yet shows as
    waiting. A term that names more than MAX_CORRELATIONS stories tells the latest ones.
    """
    correlations = await _correlations(reader, term)
    chosen = correlations[-MAX_CORRELATIONS:]
    starts = await reader.starts()
    telling = _Telling(reader, starts, flows or {})
    for stored in await reader.find_events(*chosen):
        if stored.event.correlation_id in chosen:
            await telling.event(stored)
    await telling.delivery(term)
    return telling.story(term, tuple(chosen), len(correlations) - len(chosen))


async def _correlations(reader: RecordReader, term: str) -> list[str]:
    found = [stored.event.correlation_id for stored in await reader.find_events(term)]
    delivery = await reader.find_delivery(term)
    if delivery is not None:
        found.append(delivery.correlation)
    if not found:
        raise _unknown(term)
    return list(dict.fromkeys(found))


def _unknown(term: str) -> NotFound:
    return NotFound(
        f"Nothing here is called {term}.",
        next_step="Give an event id, a business key as the contract declares it, or a delivery id, exactly as sent.",
    )


class _Telling:
    """Gathers facts; each row of the record becomes one or none."""

    def __init__(self, reader: RecordReader, starts: list[StartRow], flows: Mapping[str, Sequence[str]]) -> None:
        self._reader = reader
        self._starts = starts
        self._flows = flows
        self._told: set[str] = set()
        self.facts: list[Fact] = []

    async def event(self, stored: Stored) -> None:
        position, event = stored
        ahead = await self._ahead(position, event)  # before the rows: a flow that comes to it meanwhile has one
        handlings = await self._reader.handlings_of(event.partition, position)
        failures = await self._reader.failures_of(event.partition, position)
        takers = tuple(dict.fromkeys(row.flow for row in handlings))
        self.facts.append(_event_fact(position, event, takers, tuple(flow for flow in ahead if flow not in takers)))
        newest = {row.flow: row.generation for row in sorted(handlings, key=lambda row: row.generation)}
        self.facts += [_handling_fact(event, row, newest[row.flow] == row.generation) for row in handlings]
        self.facts += [_failure_fact(event, row) for row in failures]
        for row in handlings:
            await self._run(event, row)
        for delivery in await self._reader.deliveries_of(event.partition, position):
            if delivery.correlation == event.correlation_id:  # all calls of API handlers have one place
                await self._call(delivery)
        if kind_of(event) is FactKind.REPLIED:
            await self.delivery(event.id)

    async def _run(self, event: Event, row: HandlingRow) -> None:
        """The journal of the run that the handling began, if it did."""
        begun = run_id(event.source, event.id, row.flow, row.handler)
        entries = await entries_of(self._reader, begun)
        waits = any(entry.state is EntryState.OPEN for entry in entries) and not await is_over(self._reader, begun)
        self.facts += [_step_fact(event, row, entry, waits) for entry in entries]

    async def _ahead(self, position: int, event: Event) -> list[str]:
        """Flows that take the event and whose cursor is before it. One that never ran begins after it."""
        takers = [flow for flow, types in self._flows.items() if event.type in types]
        cursors = {flow: await self._reader.cursor(flow, event.partition) for flow in takers}
        return [flow for flow, cursor in cursors.items() if cursor is not None and cursor < position]

    async def delivery(self, delivery_id: str) -> None:
        """Calls that API handlers asked for have no event in the log; their id leads to them."""
        row = await self._reader.find_delivery(delivery_id)
        if row is not None:
            await self._call(row)

    async def _call(self, row: DeliveryRow) -> None:
        if row.id not in self._told and not is_timer(row):
            self._told.add(row.id)
            self.facts += _call_facts(row, await self._reader.attempts_of(row.id))

    def story(self, term: str, correlations: tuple[str, ...], others: int) -> Story:
        self._find_roots()
        began_us = min(fact.at_us for fact in self.facts)
        past = [fact for fact in self.facts if fact.kind is not FactKind.CALL_DUE]
        ended_us = max(fact.ended_us for fact in past)
        self.facts += _restarts(self._starts, began_us, None if self._open else ended_us)
        ordered = sorted(self.facts, key=lambda fact: (fact.at_us, _ORDER[fact.kind], fact.position or 0))
        retries = sum(fact.kind is FactKind.FAILED for fact in past)
        retries += sum(fact.kind is FactKind.CALLED and (fact.attempt or 0) > 1 for fact in past)
        spans = tuple(_spans(past, correlations))
        return Story(term, self._state(), began_us, ended_us, retries, correlations, others, tuple(ordered), spans)

    def _find_roots(self) -> None:
        """An event whose cause is not in the log was accepted from outside: an API handler emitted it."""
        known = {fact.event_id for fact in self.facts} | self._told
        self.facts = [
            replace(fact, kind=FactKind.ACCEPTED)
            if fact.kind is FactKind.EMITTED and fact.causation not in known
            else fact
            for fact in self.facts
        ]

    @property
    def _open(self) -> bool:
        return self._state() is not StoryState.DONE

    def _state(self) -> StoryState:
        kinds = {fact.kind for fact in self.facts if fact.current}
        if kinds & {FactKind.DEAD, FactKind.CALL_DEAD}:
            return StoryState.DEAD
        if FactKind.PARKED in kinds:
            return StoryState.PARKED
        waiting = FactKind.CALL_DUE in kinds or any(fact.awaited or fact.open for fact in self.facts)
        return StoryState.WAITING if waiting else StoryState.DONE


def kind_of(event: Event) -> FactKind:
    """What a saga hears from the deliverer is an answer too, or a moment that came."""
    if event.type.startswith((REPLY_PREFIX, NEWS_PREFIX)) and event.source.startswith("system:"):
        return FactKind.REPLIED
    return FactKind.ACCEPTED if event.causation is None else FactKind.EMITTED


def _step_fact(event: Event, row: HandlingRow, entry: Entry, waits: bool) -> Fact:
    """`waits`: the run is not over, so what is open is still to come."""
    return Fact(
        entry.at_us,
        FactKind.STEP,
        row.flow,
        partition=row.partition,
        position=row.position,
        generation=row.generation,
        correlation=event.correlation_id,
        event_type=event.type,
        handler=entry.name,
        error=entry.error,
        step=entry.kind,
        open=waits and entry.state is EntryState.OPEN,
        current=row.generation == 0,
    )


def _event_fact(position: int, event: Event, takers: tuple[str, ...], awaited: tuple[str, ...]) -> Fact:
    return Fact(
        event.time_us,
        kind_of(event),
        event.type,
        partition=event.partition,
        position=position,
        correlation=event.correlation_id,
        event_id=event.id,
        version=event.version,
        source=event.source,
        causation=event.causation,
        trace=event.trace,
        flows=takers,
        awaited=awaited,
    )


def _handling_fact(event: Event, row: HandlingRow, current: bool) -> Fact:
    return Fact(
        row.at_us,
        _HANDLING_KINDS[row.state],
        row.flow,
        partition=row.partition,
        position=row.position,
        generation=row.generation,
        correlation=event.correlation_id,
        event_type=event.type,
        version=row.flow_version,
        handler=row.handler,
        attempt=row.attempts,
        error=row.error,
        duration_us=row.duration_us,
        current=current,
    )


def _failure_fact(event: Event, row: FailedAttempt) -> Fact:
    return Fact(
        row.at_us,
        FactKind.FAILED,
        row.flow,
        partition=row.partition,
        position=row.position,
        generation=row.generation,
        correlation=event.correlation_id,
        event_type=event.type,
        attempt=row.attempt,
        error=row.error,
        frame=row.frame,
        duration_us=row.duration_us,
    )


def _call_facts(row: DeliveryRow, attempts: Sequence[DeliveryAttempt]) -> Iterable[Fact]:
    """Each attempt, and what a person has to know beyond them: that more is to come, or that nothing will."""
    for tried in attempts:
        yield _call_fact(row, FactKind.CALLED, tried.at_us, tried)
    last = attempts[-1] if attempts else None
    ended_us = last.at_us + last.duration_us if last else row.created_us
    if row.state is DeliveryState.PENDING:
        yield _call_fact(row, FactKind.CALL_DUE, row.due_us, None)
    elif row.state is DeliveryState.DEAD:
        yield _call_fact(row, FactKind.CALL_DEAD, ended_us, last)
    elif row.state is DeliveryState.DISCARDED:
        yield _call_fact(row, FactKind.CALL_DISCARDED, ended_us, None)


def _call_fact(row: DeliveryRow, kind: FactKind, at_us: int, tried: DeliveryAttempt | None) -> Fact:
    return Fact(
        at_us,
        kind,
        subject_of(row),
        partition=row.partition,
        position=row.position,
        generation=row.generation,
        correlation=row.correlation,
        delivery_id=row.id,
        idempotency_key=row.idempotency_key,
        attempt=tried.attempt if tried else row.attempts,
        status=tried.status if tried else None,
        error=tried.error if tried else None,
        duration_us=tried.duration_us if tried and kind is FactKind.CALLED else None,
    )


def _spans(facts: Sequence[Fact], correlations: tuple[str, ...]) -> Iterable[Span]:
    """Each correlation's own time, in the order of their beginnings."""
    for correlation in correlations:
        own = [fact for fact in facts if fact.correlation == correlation]
        if own:
            yield Span(correlation, min(fact.at_us for fact in own), max(fact.ended_us for fact in own))


def _restarts(starts: list[StartRow], after_us: int, until_us: int | None) -> Iterable[Fact]:
    """Engine starts that fall into the story; into an open one, also those after its last fact."""
    for before, start in zip([None, *starts], starts, strict=False):
        if before is not None and after_us < start.at_us and (until_us is None or start.at_us <= until_us):
            yield Fact(
                start.at_us,
                FactKind.RESTARTED,
                start.estate,
                version=start.release,
                estate_hash=start.estate_hash,
                estate_hash_before=before.estate_hash,
                settings_hash=start.settings_hash,
            )
