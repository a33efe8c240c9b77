"""`why`: the story of an order, from each of its names, as text and as data."""

from __future__ import annotations

import json
from datetime import UTC, date, timedelta, timezone
from typing import Any

import pytest

from interlock.adapters.memory import MemoryStore
from interlock.model.handling import HandlingState, Mark
from interlock.model.problems import NotFound
from interlock.model.record import DeliveryState
from interlock.model.step import Step, StepResult
from interlock.operate.story import FactKind, Story, StoryState
from interlock.operate.story_text import render
from interlock.operate.why import MAX_CORRELATIONS, tell
from operate.recording import FLOW, ORDER, PAYLOAD, SECRET, Recording, at, call, handling, held, make_event

TODAY = date(2026, 1, 1)
FLOWS = {FLOW: [ORDER, "reply:payments.charge"], "ledger": ["pay.Paid"]}


def text_of(story: Story, **more: Any) -> str:
    return render(story, UTC, TODAY, **more)


STORY = """\
ORD-1042  OrderPlaced 1.2.0 from storefront                                    done in 2.4 s, 1 retry
  14:02:11.204  accepted      contract orders.OrderPlaced 1.2.0                partition 0 @ 1
  14:02:11.212  fulfil-order  OrderPlaced handled by reserve_stock             3 ms
  14:02:11.212  call          payments.charge, attempt 1                       503 after 812 ms
  14:02:13.511  call          payments.charge, attempt 2 (same key 9f2ab1…)    201 after 96 ms
  14:02:13.614  fulfil-order  answer of payments.charge handled by on_payment  3 ms
  14:02:13.614  emitted       Paid 1.0.0 → ledger
  14:02:13.616  ledger        Paid handled by book                             3 ms
Why it took 2.4 s: payments.charge answered 503 once; the retry after 1.5 s succeeded. \
Both carried the same idempotency key.
"""


async def charged_after_a_retry(recording: Recording) -> None:
    """The story of EXPERIENCE.md."""
    position = await recording.accept("e1")
    charge = call(position, 8)
    await recording.handled(position, 8, result=StepResult(calls=(charge,)))
    await recording.tried(charge, 8, 503, 812, due_us=at(2307))
    reply = make_event(
        "d1", 2403, type="reply:payments.charge", source="system:payments", correlation="e1", causation="d1",
        business=b"", version="1",
    )  # fmt: skip
    await recording.tried(charge, 2307, 201, 96, attempt=2, state=DeliveryState.SUCCEEDED, emits=(reply,))
    paid = make_event(
        "e2", 2410, type="pay.Paid", version="1.0.0", source="flow:fulfil-order", correlation="e1", causation="d1"
    )
    answered = position + 1
    await recording.handled(answered, 2410, handler="on_payment", result=StepResult(emits=(paid,)))
    await recording.step(Step(handling=handling(answered + 1, 2412, HandlingState.DONE, flow="ledger", handler="book")))


async def test_the_story_of_an_order(recording: Recording) -> None:
    await charged_after_a_retry(recording)
    story = await tell(recording.store, "ORD-1042", FLOWS)
    assert text_of(story) == STORY


@pytest.mark.parametrize("term", ["e1", "e2", "d1", "ORD-1042"])
async def test_every_name_leads_to_the_same_story(recording: Recording, term: str) -> None:
    await charged_after_a_retry(recording)
    by_order = await tell(recording.store, "ORD-1042")
    by_term = await tell(recording.store, term)
    assert by_term.facts == by_order.facts
    assert by_term.correlations == ("e1",)


async def test_no_payload_and_no_free_text_anywhere(recording: Recording) -> None:
    position = await recording.accept("e1")
    event = make_event("e1")
    dead = held(position, 5, HandlingState.DEAD, event)
    await recording.handled(position, 5, HandlingState.DEAD, attempts=2, error="rejected", hold=dead)
    story = await tell(recording.store, "e1")
    for shown in (text_of(story), json.dumps(story.as_data()), repr(story)):
        for value in ("Ada", "12.10", PAYLOAD.decode()):
            assert value not in shown


async def test_data_is_json_with_times_and_without_gaps(recording: Recording) -> None:
    await charged_after_a_retry(recording)
    data = json.loads(json.dumps((await tell(recording.store, "d1")).as_data()))
    assert (data["state"], data["retries"], data["began"]) == ("done", 1, "2026-01-01T14:02:11.204000Z")
    first, *_ = data["facts"]
    assert first == {
        "at": "2026-01-01T14:02:11.204000Z", "kind": "accepted", "name": ORDER, "partition": 0, "position": 1,
        "correlation": "e1", "event_id": "e1", "version": "1.2.0", "source": "storefront", "flows": [FLOW],
        "current": True,
    }  # fmt: skip
    assert [fact["kind"] for fact in data["facts"]].count("replied") == 1


async def test_the_readers_zone_and_the_day(recording: Recording) -> None:
    await charged_after_a_retry(recording)
    story = await tell(recording.store, "e1")
    tokyo = timezone(timedelta(hours=9))
    text = render(story, tokyo, TODAY)
    assert "  23:02:11.204  accepted" in text
    assert "2026-01-01" not in text
    assert "  Thursday 2026-01-01\n" in render(story, tokyo, date(2026, 1, 2))
    assert "  Friday 2026-01-02\n  02:02:11.204" in render(story, timezone(timedelta(hours=12)), TODAY)


async def test_colour_only_when_asked(recording: Recording) -> None:
    await charged_after_a_retry(recording)
    story = await tell(recording.store, "e1")
    assert "\x1b" not in text_of(story)
    assert "\x1b[33m" in text_of(story, colour=True)


async def test_a_call_that_is_still_due(recording: Recording) -> None:
    position = await recording.accept("e1")
    charge = call(position, 5)
    await recording.handled(position, 5, result=StepResult(calls=(charge,)))
    story = await tell(recording.store, "e1")
    assert story.state is StoryState.WAITING
    assert "payments.charge has not been called yet." in text_of(story)
    await recording.tried(charge, 5, None, 15_000, error="timeout", due_us=at(20_000))
    text = text_of(await tell(recording.store, "e1"))
    assert "no answer (timeout) after 15 s" in text
    assert "14:02:31.204  call          payments.charge, attempt 2 is due" in text
    assert "Why it is not done: payments.charge gave no answer (timeout) once; it will be tried again." in text


async def test_a_refusal_is_an_answer(recording: Recording) -> None:
    position = await recording.accept("e1")
    charge = call(position, 5)
    await recording.handled(position, 5, result=StepResult(calls=(charge,)))
    await recording.tried(charge, 5, 402, 40, state=DeliveryState.REFUSED)
    story = await tell(recording.store, "e1")
    assert story.state is StoryState.DONE
    assert "payments.charge refused with 402, which is final." in text_of(story)


async def test_a_dead_call_names_the_next_command(recording: Recording) -> None:
    position = await recording.accept("e1")
    charge = call(position, 5)
    await recording.handled(position, 5, result=StepResult(calls=(charge,)))
    await recording.tried(charge, 5, 500, 40, due_us=at(500))
    await recording.tried(charge, 500, 502, 40, attempt=2, state=DeliveryState.DEAD)
    story = await tell(recording.store, "e1")
    assert story.state is StoryState.DEAD
    text = text_of(story)
    assert "payments.charge dead-lettered after 2 attempts" in text
    assert "Next: interlock dlq show d1" in text


async def test_a_call_that_was_given_up_did_not_succeed(recording: Recording) -> None:
    position = await recording.accept("e1")
    charge = call(position, 5)
    await recording.handled(position, 5, result=StepResult(calls=(charge,)))
    await recording.tried(charge, 5, None, 40, error="connect", due_us=at(500))
    await recording.tried(charge, 500, None, 40, attempt=2, error="connect", state=DeliveryState.DEAD)
    await recording.step(Step(delivery=charge._replace(attempts=2, state=DeliveryState.DISCARDED)))
    text = text_of(await tell(recording.store, "e1"))
    assert "payments.charge gave no answer (connect) twice and was given up, or replaced by a redrive." in text
    assert "succeeded" not in text


async def test_a_dead_letter_and_its_redrive(recording: Recording) -> None:
    position = await recording.accept("e1")
    await recording.failed(position, 5, 1)
    event = make_event("e1")
    dead = held(position, 9, HandlingState.DEAD, event)
    await recording.handled(position, 9, HandlingState.DEAD, attempts=2, error="handler_failed", hold=dead)
    before = await tell(recording.store, "e1")
    assert before.state is StoryState.DEAD
    text = text_of(before)
    assert "attempt 1 failed: handler_failed at fulfil.py:12 reserve_stock" in text
    assert f"Next: interlock dlq show {FLOW}/0/{position}/0" in text
    mark = Mark(FLOW, 0, position, 0)
    await recording.handled(position, 90_000, generation=1, supersede=mark)
    after = await tell(recording.store, "e1")
    assert after.state is StoryState.DONE
    text = text_of(after)
    assert "OrderPlaced handled by reserve_stock, generation 1" in text
    assert "fulfil-order was redriven 1 min 30 s after it had been dead-lettered." in text
    assert "Next:" not in text


async def test_a_restart_while_a_dead_letter_lay_there_is_no_reason(recording: Recording) -> None:
    position = await recording.accept("e1")
    dead = held(position, 9, HandlingState.DEAD, make_event("e1"))
    await recording.handled(position, 9, HandlingState.DEAD, attempts=1, error="rejected", hold=dead)
    await recording.start(5000)
    await recording.handled(position, 9000, generation=1, supersede=Mark(FLOW, 0, position, 0))
    text = text_of(await tell(recording.store, "e1"))
    assert "restarted, same estate" in text
    assert "The engine was restarted" not in text


async def test_handler_retries_are_the_reason(recording: Recording) -> None:
    position = await recording.accept("e1")
    await recording.failed(position, 5, 1)
    await recording.failed(position, 105, 2)
    await recording.handled(position, 1505, attempts=3)
    story = await tell(recording.store, "e1")
    assert (story.state, story.retries) == (StoryState.DONE, 2)
    assert "fulfil-order failed twice (handler_failed) and succeeded 1.5 s after the first failure." in text_of(story)


async def test_parked_behind_another(recording: Recording) -> None:
    position = await recording.accept("e1")
    event = make_event("e1")
    waiting = held(position, 5, HandlingState.PARKED, event, attempts=0, error=None, detail=None)
    await recording.handled(position, 5, HandlingState.PARKED, attempts=0, hold=waiting)
    story = await tell(recording.store, "e1")
    assert story.state is StoryState.PARKED
    assert "parked in fulfil-order behind an earlier event of the same key" in text_of(story)
    await recording.handled(position, 12_005, attempts=1)
    text = text_of(await tell(recording.store, "e1"))
    assert "took it up after 12 s: it waited behind earlier events of its key" in text


async def test_a_restart_in_between(recording: Recording) -> None:
    position = await recording.accept("e1")
    await recording.start(4000, "77aa01ff")
    await recording.handled(position, 4100)
    await recording.start(9000, "77aa01ff")
    story = await tell(recording.store, "e1")
    assert [fact.kind for fact in story.facts] == [FactKind.ACCEPTED, FactKind.RESTARTED, FactKind.HANDLED]
    text = text_of(story)
    assert "14:02:15.204  engine        restarted, estate 3f9c1a → 77aa01" in text
    assert "The engine was restarted; until then nothing happened for 4 s." in text


async def test_a_restart_between_two_stories_is_nobodys_reason(recording: Recording) -> None:
    first = await recording.accept("e1")
    await recording.handled(first, 5)
    await recording.start(4000)
    second = await recording.accept("e2", 5000)
    await recording.handled(second, 5005)
    story = await tell(recording.store, "ORD-1042")
    assert FactKind.RESTARTED in {fact.kind for fact in story.facts}
    assert "The engine was restarted" not in text_of(story)


async def test_an_event_that_an_api_handler_emitted_begins_the_story(recording: Recording) -> None:
    """Its cause is a request, which is not in the log; nor is the place of the handler's own calls."""
    await recording.accept("e1", correlation="request", causation="request", source="flow:shop")
    charge = call(0, 1, event_id="request", correlation="request")
    await recording.step(Step(result=StepResult(calls=(charge,))))
    reply = make_event(
        "d1", 9, type="reply:payments.charge", source="system:payments", correlation="request", causation="d1"
    )
    await recording.tried(charge, 2, 200, 5, state=DeliveryState.SUCCEEDED, emits=(reply,))
    story = await tell(recording.store, "ORD-1042")
    kinds = [fact.kind for fact in story.facts]
    assert kinds == [FactKind.ACCEPTED, FactKind.CALLED, FactKind.REPLIED]
    assert (await tell(recording.store, "d1")).facts == story.facts


async def test_an_event_that_waits_for_its_flow(recording: Recording) -> None:
    await recording.accept("e1")
    story = await tell(recording.store, "e1", FLOWS)
    assert story.state is StoryState.WAITING
    assert "orders.OrderPlaced is in the log, and fulfil-order has not come to it yet." in text_of(story)
    assert (await tell(recording.store, "e1", {"other": ["x.Y"]})).state is StoryState.DONE
    assert (await tell(recording.store, "e1", {"never-ran": [ORDER]})).state is StoryState.DONE


async def test_a_restart_does_not_make_a_waiting_event_done(recording: Recording) -> None:
    """Handled by one flow and not by the other, which has it before its cursor still."""
    flows = {FLOW: [ORDER], "ledger": [ORDER]}
    position = await recording.accept("e1")
    await recording.handled(position, 5)
    await recording.start(4000)
    story = await tell(recording.store, "ORD-1042", flows)
    assert story.state is StoryState.WAITING
    text = text_of(story)
    assert text.splitlines()[0].endswith("waiting")
    assert "orders.OrderPlaced is in the log, and ledger has not come to it yet." in text
    assert "nothing went wrong" not in text
    await recording.step(Step(handling=handling(position, 4100, HandlingState.DONE, flow="ledger", handler="book")))
    assert (await tell(recording.store, "ORD-1042", flows)).state is StoryState.DONE


async def test_an_event_before_the_beginning_of_a_flow_does_not_wait_for_it() -> None:
    recording = Recording(MemoryStore(2, secret=SECRET))
    await recording.accept("e1")
    await recording.start(1000)
    assert (await tell(recording.store, "e1", FLOWS)).state is StoryState.DONE


async def test_each_story_of_a_key_is_timed_alone(recording: Recording) -> None:
    """Nobody waited for the three days between an order and its cancellation."""
    later_ms = 3 * 86_400_000
    first = await recording.accept("e1")
    await recording.handled(first, 5)
    second = await recording.accept("e2", later_ms)
    await recording.failed(second, later_ms + 5, 1)
    await recording.handled(second, later_ms + 2397, attempts=2)
    story = await tell(recording.store, "ORD-1042")
    text = text_of(story)
    assert text.splitlines()[0].endswith("done in 8 ms and 2.4 s, 1 retry")
    assert "Why they took 8 ms and 2.4 s: fulfil-order failed once" in text
    assert "days" not in text
    told = story.as_data()["stories"]
    assert [(span["correlation"], span["duration_us"]) for span in told] == [("e1", 8_000), ("e2", 2_400_000)]


async def test_a_key_of_many_stories_is_bounded(recording: Recording) -> None:
    for number in range(MAX_CORRELATIONS + 5):
        await recording.accept(f"e{number}", number, key="SKU-1")
    story = await tell(recording.store, "SKU-1")
    assert (len(story.correlations), story.others, story.root.event_id) == (MAX_CORRELATIONS, 5, "e5")
    assert "5 earlier stories of SKU-1 are left out." in text_of(story)


async def test_unknown_terms(recording: Recording) -> None:
    with pytest.raises(NotFound, match="ORD-1"):
        await tell(recording.store, "ORD-1")
