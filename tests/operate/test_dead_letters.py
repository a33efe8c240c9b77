"""Dead letters of both kinds: listed, shown, without payload unless asked for."""

from __future__ import annotations

import json

import pytest

from interlock.model.handling import HandlingState, Mark
from interlock.model.problems import NotFound
from interlock.model.record import DeliveryState
from interlock.model.step import StepResult
from interlock.operate.dead_letter_text import list_text, story_text
from interlock.operate.dead_letters import find_dead, list_dead, parse_mark
from operate.recording import FLOW, PAYLOAD, Recording, call, held, make_event


async def two_dead(recording: Recording) -> int:
    """A dead handling and a dead delivery; the position of the first."""
    position = await recording.accept("e1", trace="00-aa-bb-01")
    await recording.failed(position, 1, 1)
    await recording.failed(position, 200, 2, "rejected")
    dead = held(position, 203, HandlingState.DEAD, make_event("e1", trace="00-aa-bb-01"))
    await recording.handled(position, 200, HandlingState.DEAD, attempts=2, error="rejected", hold=dead)
    other = await recording.accept("e2", 300)
    charge = call(other, 301, "e2", correlation="e2")
    await recording.handled(other, 301, result=StepResult(calls=(charge,)))
    await recording.tried(charge, 302, 500, 40)
    await recording.tried(charge, 400, None, 40, attempt=2, error="timeout", state=DeliveryState.DEAD)
    return position


async def test_the_list_holds_both_kinds(recording: Recording) -> None:
    position = await two_dead(recording)
    letters = await list_dead(recording.store, None)
    assert [(one.id, one.kind, one.subject, one.reason, one.attempts) for one in letters] == [
        (f"{FLOW}/0/{position}/0", "handling", "orders.OrderPlaced", "rejected", 2),
        ("d1", "delivery", "payments.charge", "timeout", 2),
    ]
    assert await list_dead(recording.store, "ledger") == []
    text = list_text(letters)
    assert text.splitlines()[0].split() == ["id", "what", "event", "since", "attempts", "reason"]
    assert "Ada" not in text
    assert [one.as_data()["detail"] for one in letters] == ["Ada has no credit", None]
    assert list_text([]) == "no dead letters\n"


async def test_a_dead_handling_in_full(recording: Recording) -> None:
    position = await two_dead(recording)
    story = await find_dead(recording.store, f"{FLOW}/0/{position}/0")
    assert (story.contract, story.contract_version, story.flow_version) == ("orders.OrderPlaced", "1.2.0", "1")
    assert (story.trace, story.correlation, story.letter.detail) == ("00-aa-bb-01", "e1", "Ada has no credit")
    assert [(one["attempt"], one["error"], one["frame"]) for one in story.attempts] == [
        (1, "handler_failed", "fulfil.py:12 reserve_stock"),
        (2, "rejected", "fulfil.py:12 reserve_stock"),
    ]
    shown = story_text(story, with_payload=False)
    assert "handler_failed at fulfil.py:12 reserve_stock, after 3 ms" in shown
    assert "12.10" not in shown + json.dumps(story.as_data(with_payload=False))
    assert PAYLOAD.decode() in story_text(story, with_payload=True)
    assert story.as_data(with_payload=True)["payload"] == json.loads(PAYLOAD)


async def test_a_dead_delivery_in_full(recording: Recording) -> None:
    await two_dead(recording)
    story = await find_dead(recording.store, "d1")
    assert (story.contract, story.contract_version, story.flow_version) == ("orders.OrderPlaced", "1.2.0", "1")
    assert [(one["attempt"], one["status"], one["error"]) for one in story.attempts] == [
        (1, 500, None),
        (2, None, "timeout"),
    ]
    assert story.as_data(with_payload=True)["payload"] == json.loads(PAYLOAD)
    assert "attempt 1    " in story_text(story, with_payload=False)


@pytest.mark.parametrize("letter_id", ["nope", f"{FLOW}/0/99/0", f"{FLOW}/0/1/7", "d2"])
async def test_what_is_no_dead_letter(recording: Recording, letter_id: str) -> None:
    await two_dead(recording)
    with pytest.raises(NotFound, match="is no dead letter"):
        await find_dead(recording.store, letter_id)


def test_ids_on_the_command_line() -> None:
    assert parse_mark("a/b/7/88121/0") == Mark("a/b", 7, 88121, 0)
    for delivery in ("0193-uuid", "f/1/2", "/1/2/3", "f/1/-2/3", "f/1/2/x", "f/1/2/٣"):
        assert parse_mark(delivery) is None


async def test_a_payload_that_is_no_json_comes_as_base64(recording: Recording) -> None:
    position = await recording.accept("e1")
    dead = held(position, 5, HandlingState.DEAD, make_event("e1", body=b"\xff\x00"))
    await recording.handled(position, 5, HandlingState.DEAD, hold=dead)
    story = await find_dead(recording.store, f"{FLOW}/0/{position}/0")
    assert story.payload == {"base64": "/wA="}
