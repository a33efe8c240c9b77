"""Verification of Standard Webhooks v1 signatures, as a receiver writes it from the specification."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

TOLERANCE_SECONDS = 300
PREFIX = "whsec_"
KEY_BYTES = range(24, 65)


class BadSignature(Exception):
    """The request is not from someone who knows the secret, or is too old."""


class SignatureVerifier:
    """`secret` is `whsec_` and base64 of 24 to 64 bytes."""

    def __init__(self, secret: str) -> None:
        if not secret.startswith(PREFIX):
            raise ValueError(f"the secret begins with {PREFIX}")
        self._key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        if len(self._key) not in KEY_BYTES:
            raise ValueError("the secret has 24 to 64 bytes")

    def verify(self, headers: Mapping[str, str], body: bytes, now_seconds: float) -> str:
        """Answers the webhook-id. The signature covers `id.timestamp.body`, the body as raw bytes."""
        identity, stamp, given = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
        if not identity or not stamp.isascii() or not stamp.isdigit():
            raise BadSignature("webhook-id or webhook-timestamp is missing or malformed")
        if abs(now_seconds - int(stamp)) > TOLERANCE_SECONDS:
            raise BadSignature("webhook-timestamp is outside of the tolerance")
        expected = hmac.digest(self._key, f"{identity}.{stamp}.".encode() + body, hashlib.sha256)
        if not any(hmac.compare_digest(expected, candidate) for candidate in _candidates(given)):
            raise BadSignature("no v1 signature fits")
        return identity


def _candidates(header: str) -> list[bytes]:
    """The v1 signatures of a space-separated list; other versions and malformed parts are passed over."""
    found = []
    for part in header.split(" "):
        version, comma, text = part.partition(",")
        if version != "v1" or not comma:
            continue
        try:
            found.append(base64.b64decode(text, validate=True))
        except (binascii.Error, ValueError):
            continue
    return found
