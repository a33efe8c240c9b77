"""What must hold after each schedule, whatever broke: plain functions from the end of a schedule to sentences.

They believe the tables as little as they can: effects are counted as they were applied, and what systems and producers
saw is held against the log. An empty answer is a kept promise.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim

from interlock.model.clock import to_rfc3339
from interlock.model.event import Event
from interlock.model.handling import FINAL, HandlingState
from interlock.model.record import DeliveryState, HandlingRow
from interlock.sdk.drill import Fact
from interlock.simulation.client import SOURCE
from interlock.simulation.end import Ended

Check = Callable[[Ended], Iterable[str]]
TICK_GRACE_US = 2_500_000
_SETTLED = {HandlingState.DONE, HandlingState.SKIPPED, HandlingState.DEAD, HandlingState.DISCARDED}


def no_defect(end: Ended) -> Iterator[str]:
    """No process ends by an error that only a defect explains, and nothing is raised into the event loop."""
    yield from end.world.defects


def nothing_lost(end: Ended) -> Iterator[str]:
    """What was acknowledged is in the log; what was emitted by a commit is there too."""
    there = {(event.source, event.id) for _, event in end.log()}
    for receipt in end.producers.acknowledged:
        if isinstance(receipt.sending.item, Fact) and (SOURCE, receipt.sending.name) not in there:
            yield f"{receipt.sending.name} ({receipt.sending.item.type}) was acknowledged and is not in the log"
    for applied in end.witness.applied:
        for event in applied.emitted:
            if (event.source, event.id) not in there:
                yield f"{told(event)} was emitted at {seconds(applied.at_us)} and is not in the log"


def accepted_once(end: Ended) -> Iterator[str]:
    """No event is in the log twice."""
    counts = Counter((event.source, event.id) for _, event in end.log())
    yield from (f"{source} {name} is in the log {count} times" for (source, name), count in counts.items() if count > 1)


def everything_settles(end: Ended) -> Iterator[str]:
    """When what broke has healed, nothing waits for something that will not come."""
    yield from waiting(end)


def sums_balance(end: Ended) -> Iterator[str]:
    """For each flow: what it takes of the log = what became of it; and the tallies say the same as the rows."""
    record, tables = end.image.store, end.tables
    for flow in end.types:
        line = record._sum(flow)
        if line.difference:
            yield f"the books of {flow} differ by {line.difference}: {line}"
        rows = Counter(
            tables.handlings[(*place, generation)].state  # type: ignore[index]
            for place, generation in tables.current.items()
            if place[0] == flow
        )
        for state in HandlingState:
            if tables.tallies[flow, state] != rows[state]:
                yield f"{flow} is tallied with {tables.tallies[flow, state]} {state.name}, and has {rows[state]}"


def handled_once(end: Ended) -> Iterator[str]:
    """A handling comes to its final state once, and each event of a flow's types has exactly one handling."""
    finals: Counter[tuple[object, ...]] = Counter()
    for _, row in end.witness.handled():
        if row.state in FINAL:
            finals[row[:4]] += 1
    for mark, count in finals.items():
        if count > 1:
            yield f"handling {mark} came to its end {count} times"
    for position, event in end.log():
        for flow, types in end.types.items():
            if event.type in types and (flow, event.partition, position) not in end.tables.current:
                yield f"{flow} never handled {told(event)} at {event.partition}/{position}"


def effects_once(end: Ended) -> Iterator[str]:
    """What one run asked for came in one commit, and no second commit brought it again."""
    steps: defaultdict[tuple[str, str, str], set[int]] = defaultdict(set)
    for applied in end.witness.applied:
        for event in applied.emitted:
            steps[event.source, event.causation or event.id, event.type].add(applied.number)
    for (source, cause, kind), numbers in steps.items():
        if len(numbers) > 1 and not source.startswith("schedule"):
            yield f"{source} emitted {kind} because of {cause} in {len(numbers)} commits"
    done = {row[:3] for _, row in end.witness.handled() if row.state is HandlingState.DONE}
    positions = {event.id: (event.partition, position) for position, event in end.log()}
    for applied in end.witness.applied:
        for event in applied.emitted:
            flow, place = event.source.removeprefix("flow:"), positions.get(event.causation or "")
            if event.source.startswith("flow:") and place is not None and (flow, *place) not in done:
                yield f"{flow} emitted {told(event)} because of an event that it has not done"


def calls_once(end: Ended) -> Iterator[str]:
    """A call that a handler asked for once is one delivery, with one key in all its attempts."""
    rows: defaultdict[str, list[str]] = defaultdict(list)
    for row in end.tables.deliveries.values():
        if row.state is not DeliveryState.DISCARDED:
            rows[row.idempotency_key].append(row.id)
    for key, ids in rows.items():
        if len(ids) > 1:
            yield f"{len(ids)} deliveries have the idempotency key {key}"
    keys: defaultdict[str, set[str]] = defaultdict(set)
    for arrival in end.outside.arrivals:
        keys[arrival.webhook_id].add(arrival.key)
    yield from (f"delivery {one} came with {len(found)} keys" for one, found in keys.items() if len(found) > 1)
    replies = Counter(event.causation for _, event in end.log() if event.type.startswith("reply:"))
    yield from (f"delivery {one} was replied to {count} times" for one, count in replies.items() if count > 1)


def order_per_key(end: Ended) -> Iterator[str]:
    """Of one key, a flow comes to the end of events in the order of the log; what dead letters let pass aside."""
    keys = {(event.partition, position): event.key_hash for position, event in end.log()}
    passed = overtaken(end)
    furthest: dict[tuple[str, int], HandlingRow] = {}
    for _, row in end.witness.handled():
        key = keys.get((row.partition, row.position))
        if row.state not in _SETTLED or key is None or (row.flow, row.partition, row.position) in passed:
            continue
        before = furthest.get((row.flow, key))
        if before is not None and before.position > row.position:
            yield (
                f"{row.flow} came to the end of {row.partition}/{row.position} after {before.position}, of the same key"
            )
        else:
            furthest[row.flow, key] = row


def emitted_in_order(end: Ended) -> Iterator[str]:
    """What commits emitted for one key, one after the other, is in the log in that order."""
    places = {(event.source, event.id): position for position, event in end.log()}
    lines: defaultdict[tuple[str, int], list[Event]] = defaultdict(list)
    for applied in end.witness.applied:
        for event in applied.emitted:
            lines[event.source, event.key_hash].append(event)
    for (source, _), events in lines.items():
        found = [places.get((event.source, event.id), -1) for event in events]
        ordered = [place for place in found if place >= 0]
        if ordered != sorted(ordered):
            yield f"events of {source} for one key stand in the log as {ordered}, in the order of their emission"


def sent_in_order(end: Ended) -> Iterator[str]:
    """What a producer sent for one key, each after the one before was acknowledged, is in the log in that order."""
    places = {event.id: position for position, event in end.log() if event.source == SOURCE}
    furthest: dict[str, tuple[int, str]] = {}
    for receipt in end.producers.acknowledged:
        name, line = receipt.sending.name, receipt.sending.line
        place = places.get(name)
        if place is None:
            continue
        before = furthest.get(line)
        if before is not None and before[0] > place:
            yield f"{name} stands before {before[1]}, which was sent and acknowledged earlier"
        furthest[line] = max(before or (place, name), (place, name))


def schedules_tick(end: Ended) -> Iterator[str]:
    """Each due run of a schedule that makes up for missed ones is in the log, from its first start to the end."""
    ticks = {event.id for _, event in end.log() if event.source == "schedule"}
    for flow in end.estate.flows.values():
        for spec in flow.specs:
            name = f"{flow.name}.{spec.subject}"
            first = end.witness.scheduled.get(name)
            if spec.trigger != "schedule" or spec.missed != "all" or first is None:
                continue
            for local in CronSim(spec.cron or "", datetime.fromisoformat(first).astimezone(ZoneInfo(spec.zone))):
                due_us = int(local.timestamp()) * 1_000_000
                if due_us > end.latest_us - TICK_GRACE_US:
                    break
                if f"{name}@{to_rfc3339(due_us)}" not in ticks:
                    yield f"{name} was due at {to_rfc3339(due_us)} and never ran"


def answered_alike(end: Ended) -> Iterator[str]:
    """All answers to one idempotency key are the same, and its effects are there once."""
    for name, answers in end.producers.answers.items():
        if len(answers) > 1:
            yield f"the request {name} was answered in {len(answers)} ways"
    scopes = Counter(applied.answered for applied in end.witness.applied if applied.answered)
    yield from (f"the answer to {scope!r} was stored {count} times" for scope, count in scopes.items() if count > 1)


def waiting(end: Ended) -> Iterator[str]:
    """What is not at its end."""
    tables, image = end.tables, end.image
    for receipt in end.producers.receipts:
        if receipt.status is None:
            yield f"{receipt.sending.name} was never answered"
    for flow in end.types:
        pending = image.store._pending(flow)
        if pending:
            yield f"{pending} events wait for {flow}"
    blocked = blocked_keys(end)
    for held in tables.held.values():
        if held.state is HandlingState.PARKED and (held.flow, held.key_hash) not in blocked:
            yield f"{held.flow} has {held.partition}/{held.position} parked since {held.held_us}"
    for row in tables.deliveries.values():
        if row.state is DeliveryState.PENDING:
            yield f"the call {row.system}.{row.operation} of {row.event_id} is pending after {row.attempts} attempts"
    outbox = getattr(tables, "outbox", None)
    if outbox:
        yield f"{len(outbox)} emitted events wait to be published"
    if image.apart and [image.log_tables.head(one) for one in range(len(tables.log))] != tables.ends:  # type: ignore[union-attr]
        yield "the index does not reach the end of the log"
    yield from schedules_tick(end)


def blocked_keys(end: Ended) -> set[tuple[str, int]]:
    """Keys that stand still behind a dead letter, as their flow wants it, until a person decides."""
    held = end.tables.held.values()
    return {(row.flow, row.key_hash) for row in held if row.state is HandlingState.DEAD and not row.overtaken}


def overtaken(end: Ended) -> set[tuple[str, int, int]]:
    """Places of events that others of their key were allowed to pass: dead letters, and what was redriven."""
    held = {one.hold[:3] for one in end.witness.applied if one.hold is not None and one.hold.overtaken}
    again = {row[:3] for _, row in end.witness.handled() if row.generation > 0}
    return held | again


def told(event: Event) -> str:
    return f"{event.type} {event.id}"


def seconds(at_us: int) -> str:
    return f"{at_us / 1_000_000:.4f} s"


CHECKS: dict[str, Check] = {
    check.__name__: check
    for check in (
        no_defect,
        nothing_lost,
        accepted_once,
        everything_settles,
        sums_balance,
        handled_once,
        effects_once,
        calls_once,
        order_per_key,
        emitted_in_order,
        sent_in_order,
        answered_alike,
        schedules_tick,
    )
}
