"""The receivers' own verification of Standard Webhooks, on the published vectors and on malformed input."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from demo.systems.signature import BadSignature, SignatureVerifier

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
NOW = 1_700_000_000


def signed(body: bytes, stamp: int = NOW, identity: str = "msg_1") -> dict[str, str]:
    mac = hmac.digest(b"k" * 32, f"{identity}.{stamp}.".encode() + body, hashlib.sha256)
    signature = "v1," + base64.b64encode(mac).decode()
    return {"webhook-id": identity, "webhook-timestamp": str(stamp), "webhook-signature": signature}


def test_the_example_of_the_specification() -> None:
    verifier = SignatureVerifier("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    assert verifier.verify(headers, b'{"test": 2432232314}', 1614265330) == "msg_p5jXN8AQM9LWM0D4loKWxJek"


def test_one_of_several_signatures_is_enough() -> None:
    headers = signed(b"{}")
    headers["webhook-signature"] = "v1,AAAA v1 v1, v2,x v1a,AAAA " + headers["webhook-signature"]
    assert SignatureVerifier(SECRET).verify(headers, b"{}", NOW) == "msg_1"


@pytest.mark.parametrize("signature", ["", "v1", "v1,", "v1,abc", "v1,é", "v1,AAAA", "v2,AAAA", ",", " "])
def test_malformed_signatures_are_bad_signatures(signature: str) -> None:
    with pytest.raises(BadSignature):
        SignatureVerifier(SECRET).verify(signed(b"{}") | {"webhook-signature": signature}, b"{}", NOW)


@pytest.mark.parametrize("stamp", ["", "x", "²", "-1", "1.5", str(NOW - 301), str(NOW + 301)])
def test_bad_time_stamps(stamp: str) -> None:
    with pytest.raises(BadSignature):
        SignatureVerifier(SECRET).verify(signed(b"{}") | {"webhook-timestamp": stamp}, b"{}", NOW)


def test_another_body_is_refused() -> None:
    with pytest.raises(BadSignature):
        SignatureVerifier(SECRET).verify(signed(b"{}"), b"{} ", NOW)


@pytest.mark.parametrize("secret", ["", "abc", "whsec_AAAA", "whsec_" + base64.b64encode(b"k" * 65).decode()])
def test_bad_secrets(secret: str) -> None:
    with pytest.raises(ValueError, match="secret"):
        SignatureVerifier(secret)
