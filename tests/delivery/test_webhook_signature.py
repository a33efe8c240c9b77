"""Standard Webhooks v1: published vectors, rotation, tolerance, and headers that a stranger made up."""

from __future__ import annotations

import base64
import copy
import json
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.delivery.webhook_signature import SigningKeys, Verdict
from interlock.model.problems import SettingInvalid

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "webhook-signatures.json"
KEY = bytes(range(32))
NOW = 1_767_225_600
BODY = b'{"amount":"12.10"}'


def headers(keys: SigningKeys, body: bytes = BODY, at: int = NOW) -> dict[str, str]:
    return {"webhook-id": "d-1", "webhook-timestamp": str(at), "webhook-signature": keys.sign("d-1", at, body)}


@pytest.mark.skipif(not VECTORS.exists(), reason="../shared/vectors/webhook-signatures.json is not here")
def test_published_vectors() -> None:
    ours = [entry for entry in json.loads(VECTORS.read_text()) if entry["scheme"].startswith("standard-webhooks v1 ")]
    assert ours
    for entry in ours:
        keys = SigningKeys.parse(entry["secret"])
        assert keys.sign(entry["id"], entry["timestamp"], entry["payload"].encode()) == entry["expected"]
        sent = {
            "webhook-id": entry["id"],
            "webhook-timestamp": str(entry["timestamp"]),
            "webhook-signature": entry["expected"],
        }
        assert keys.verify(sent, entry["payload"].encode(), entry["timestamp"]) is Verdict.VALID


def test_known_answer_without_shared() -> None:
    """The example of the specification's reference tests, so that a clone alone still proves the scheme."""
    keys = SigningKeys.parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signature = keys.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_rotation_signs_with_every_key_and_accepts_any() -> None:
    old, new = (f"whsec_{base64.b64encode(bytes([n]) * 24).decode()}" for n in (1, 2))
    both = SigningKeys.parse(f"{new} {old}")
    sent = headers(both)
    assert len(sent["webhook-signature"].split(" ")) == 2
    for receiver in (old, new, f"{old} {new}"):
        assert SigningKeys.parse(receiver).verify(sent, BODY, NOW) is Verdict.VALID


@pytest.mark.parametrize(
    ("late", "verdict"),
    [(0, Verdict.VALID), (300, Verdict.VALID), (301, Verdict.TOO_OLD), (-300, Verdict.VALID), (-301, Verdict.TOO_NEW)],
)
def test_tolerance(late: int, verdict: Verdict) -> None:
    keys = SigningKeys([KEY])
    assert keys.verify(headers(keys), BODY, NOW + late) is verdict


def test_everything_that_is_signed_is_checked() -> None:
    keys = SigningKeys([KEY])
    sent = headers(keys)
    assert keys.verify(sent, BODY + b" ", NOW) is Verdict.NO_MATCH
    assert keys.verify({**sent, "webhook-id": "d-2"}, BODY, NOW) is Verdict.NO_MATCH
    assert keys.verify({**sent, "webhook-timestamp": str(NOW + 1)}, BODY, NOW) is Verdict.NO_MATCH
    assert SigningKeys([bytes(32)]).verify(sent, BODY, NOW) is Verdict.NO_MATCH


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "v1",
        "v1,",
        "v1,abc",
        "v1,====",
        "v1,é",
        "v2,abc",
        "v1a,AAAA",
        ",",
        " ",
        "v1 abc",
        "v1,\x00",
        "v1," + "A" * 9999,
    ],
)
def test_malformed_signatures_are_a_verdict(signature: str) -> None:
    keys = SigningKeys([KEY])
    sent = {**headers(keys), "webhook-signature": signature}
    assert keys.verify(sent, BODY, NOW) is Verdict.INCOMPLETE


@pytest.mark.parametrize("timestamp", ["", "-1", "1e9", "٣", "1.0", " 1767225600", "9" * 5000, "nan", "inf", "0x10"])
def test_malformed_timestamps_are_a_verdict(timestamp: str) -> None:
    keys = SigningKeys([KEY])
    sent = {**headers(keys), "webhook-timestamp": timestamp}
    assert keys.verify(sent, BODY, NOW) is Verdict.INCOMPLETE


@given(st.dictionaries(st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), st.text()))
def test_any_headers_give_a_verdict(sent: dict[str, str]) -> None:
    assert SigningKeys([KEY]).verify(sent, BODY, NOW) is not Verdict.VALID


def test_border_shift_is_refused() -> None:
    """`a.1767225600.b` could be id `a` with body `b`, or be read as another id: no id may hold a full stop."""
    keys = SigningKeys([KEY])
    with pytest.raises(ValueError, match="full stop"):
        keys.sign("a.b", NOW, BODY)
    whole = keys.sign("a", 1, f"{NOW}.rest".encode())
    shifted = {"webhook-id": "a.1", "webhook-timestamp": str(NOW), "webhook-signature": whole}
    assert keys.verify(shifted, b"rest", NOW) is Verdict.INCOMPLETE


@pytest.mark.parametrize(
    "secret",
    ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_AAAA", "whsec_!!", "whsec_" + "A" * 88, "whsec_é"],
)
def test_bad_secrets_are_refused_without_being_told(secret: str) -> None:
    with pytest.raises(SettingInvalid) as caught:
        SigningKeys.parse(secret)
    assert len(secret) < 7 or secret.removeprefix("whsec_") not in str(caught.value)


def test_keys_do_not_leak() -> None:
    keys = SigningKeys([KEY])
    assert repr(keys) == "SigningKeys(1 hidden)"
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            leak(keys)
