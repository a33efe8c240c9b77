"""What the control socket takes as the name of a dead letter, and as the reason of a discard."""

from __future__ import annotations

import json

import msgspec
import pytest

from interlock.app.control import DeadLetterName


@pytest.mark.parametrize("reason", ["wrong_customer", "sent-twice", "7"])
def test_a_reason_is_a_code(reason: str) -> None:
    body = msgspec.json.encode({"delivery_id": "d1", "reason": reason})
    assert msgspec.json.decode(body, type=DeadLetterName).reason == reason


@pytest.mark.parametrize("position", [-1, 2**63, 99999999999999999999999])
def test_a_number_that_no_store_holds_is_refused(position: int) -> None:
    body = json.dumps({"flow": "shelving", "position": position}).encode()
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body, type=DeadLetterName)


@pytest.mark.parametrize("reason", ["", "Wrong customer", "Ada's order", "code\n", "x" * 65])
def test_free_text_does_not_get_into_the_record(reason: str) -> None:
    body = msgspec.json.encode({"delivery_id": "d1", "reason": reason})
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body, type=DeadLetterName)
