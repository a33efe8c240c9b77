"""The books of the flows: sums that balance, sums that do not, and when everything has settled."""

from __future__ import annotations

from interlock.model.handling import HandlingState
from interlock.model.record import DeliveryState
from interlock.model.step import CursorMove, StepResult
from interlock.operate.books import read_books
from interlock.ports.record_reader import FlowSum
from operate.recording import FLOW, ORDER, Recording, call, held, make_event

FLOWS = {FLOW: [ORDER]}


async def test_each_event_is_in_one_column(recording: Recording) -> None:
    places = [await recording.accept(f"e{n}", n) for n in range(6)]
    done, skipped, dead, parked = places[:4]
    event = make_event("e2")
    await recording.handled(done, 1)
    await recording.handled(skipped, 1, HandlingState.SKIPPED, error="late")
    await recording.handled(dead, 1, HandlingState.DEAD, hold=held(dead, 1, HandlingState.DEAD, event))
    await recording.handled(parked, 1, HandlingState.PARKED, hold=held(parked, 1, HandlingState.PARKED, event))
    books = await read_books(recording.store, FLOWS)
    assert books.sums == (FlowSum(FLOW, 6, 2, 1, 1, 1, 1, 0),)
    assert (books.balanced, books.settled, books.quiet, books.dead_letters) == (True, False, True, 1)


async def test_settled_only_when_nothing_is_under_way(recording: Recording) -> None:
    position = await recording.accept("e1")
    charge = call(position, 1)
    await recording.handled(position, 1, result=StepResult(calls=(charge,)))
    books = await read_books(recording.store, FLOWS)
    assert (books.deliveries["pending"], books.settled) == (1, False)
    await recording.tried(charge, 2, 200, 1, state=DeliveryState.SUCCEEDED)
    books = await read_books(recording.store, FLOWS)
    assert dict(books.deliveries) == {"pending": 0, "succeeded": 1, "refused": 0, "dead": 0, "discarded": 0}
    assert (books.balanced, books.settled) == (True, True)
    data = books.as_data()
    assert data["flows"] == [
        {"flow": FLOW, "accepted": 1, "pending": 0, "parked": 0, "done": 1, "skipped": 0, "dead": 0, "discarded": 0,
         "difference": 0}
    ]  # fmt: skip
    assert data["starts"][0]["estate_hash"] == "3f9c1a00"


async def test_a_dropped_event_does_not_balance(recording: Recording) -> None:
    """The planted bug: the cursor moves past an event that has no handling."""
    position = await recording.accept("e1")
    await recording.accept("e2")
    await recording.handled(position, 1)
    await recording.step(_nothing(), CursorMove(FLOW, 0, position + 1))
    books = await read_books(recording.store, FLOWS)
    assert books.sums[0].difference == 1
    assert not books.balanced


async def test_tallies_that_disagree_do_not_balance(recording: Recording) -> None:
    position = await recording.accept("e1")
    await recording.handled(position, 1)
    real = recording.store.tallies

    async def wrong() -> object:
        return [tally._replace(total=tally.total + 1) for tally in await real()]

    recording.store.tallies = wrong
    books = await read_books(recording.store, FLOWS)
    assert books.disagreements == (FLOW,)
    assert not books.balanced


async def test_nothing_counts_as_settled_while_it_moves(recording: Recording) -> None:
    """A call may end and emit its reply between two reads: each alone would look settled."""
    position = await recording.accept("e1")
    charge = call(position, 1)
    await recording.handled(position, 1, result=StepResult(calls=(charge,)))
    real = recording.store.sums

    async def meanwhile(flows: object) -> object:
        sums = await real(flows)
        if (await recording.store.find_delivery("d1")).state is DeliveryState.PENDING:
            await recording.tried(charge, 2, 200, 1, state=DeliveryState.SUCCEEDED)
        return sums

    recording.store.sums = meanwhile
    books = await read_books(recording.store, FLOWS)
    assert (books.deliveries["pending"], books.quiet, books.settled) == (0, False, False)


def _nothing():  # type: ignore[no-untyped-def]
    from interlock.model.step import Step

    return Step()
