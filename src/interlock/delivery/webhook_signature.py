"""Standard Webhooks 1.0.0, symmetric scheme `v1` (HMAC-SHA256 over `id.timestamp.body`).

A full stop in the id would let a sender of chosen ids move the borders of the signed content, so it is refused on
both sides. Verification answers with a Verdict and never raises: every header is a stranger's.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum

from interlock.model.problems import SettingInvalid

SECRET_PREFIX = "whsec_"  # noqa: S105 - the mark of a secret, not one
KEY_BYTES = range(24, 65)
TOLERANCE_SECONDS = 300
_SCHEME = "v1,"
_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
_DIGEST_BYTES = 32
_MAX_SIGNATURES = 16  # of one header: more is no rotation but an attempt to keep us busy


class Verdict(StrEnum):
    """What verification found. Only VALID lets the request in."""

    VALID = "valid"
    INCOMPLETE = "incomplete"  # a header is missing, or its shape is wrong
    TOO_OLD = "too_old"
    TOO_NEW = "too_new"
    NO_MATCH = "no_match"


class SigningKeys:
    """The keys of one sender, newest first. Several while a secret is being rotated. Never shows them."""

    __slots__ = ("_keys",)

    def __init__(self, keys: Iterable[bytes]) -> None:
        self._keys = tuple(keys)
        if not self._keys:
            raise SettingInvalid("A webhook secret is empty.", next_step=_SECRET_STEP)
        if any(len(key) not in KEY_BYTES for key in self._keys):
            raise SettingInvalid("A webhook secret has not between 24 and 64 bytes.", next_step=_SECRET_STEP)

    @classmethod
    def parse(cls, secret: str | bytes) -> SigningKeys:
        """From one or several `whsec_…` texts parted by spaces (newest first), or from one raw key as bytes."""
        if isinstance(secret, bytes):
            return cls((secret,))
        return cls(_decoded(word) for word in secret.split())

    def sign(self, message_id: str, timestamp: int, body: bytes) -> str:
        """The `webhook-signature` header: one signature for each key, parted by spaces. `timestamp` in Unix seconds."""
        content = _content(message_id, str(timestamp), body)
        return " ".join(_SCHEME + base64.b64encode(_mac(key, content)).decode() for key in self._keys)

    def verify(
        self,
        headers: Mapping[str, str],
        body: bytes,
        now_seconds: float,
        tolerance_seconds: float = TOLERANCE_SECONDS,
    ) -> Verdict:
        """Judge a request by its headers (names in lower case) and raw body. Constant time in the keys and digests."""
        message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        signatures = _signatures(headers.get("webhook-signature", ""))
        if not message_id or "." in message_id or not signatures or not _TIMESTAMP.fullmatch(timestamp):
            return Verdict.INCOMPLETE
        age_seconds = now_seconds - int(timestamp)
        if age_seconds > tolerance_seconds:
            return Verdict.TOO_OLD
        if age_seconds < -tolerance_seconds:
            return Verdict.TOO_NEW
        content = _content(message_id, timestamp, body)
        return Verdict.VALID if self._any_match(content, signatures) else Verdict.NO_MATCH

    def _any_match(self, content: bytes, signatures: list[bytes]) -> bool:
        found = False
        for key in self._keys:
            expected = _mac(key, content)
            for signature in signatures:  # no early exit: the time tells nothing about which key matched
                found |= hmac.compare_digest(expected, signature)
        return found

    def __repr__(self) -> str:
        return f"SigningKeys({len(self._keys)} hidden)"

    def __reduce__(self) -> str:
        raise TypeError("signing keys are not to be copied or written")


_SECRET_STEP = "Make one with: echo whsec_$(openssl rand -base64 32), and put it where secret_ref points."  # noqa: S105


def _decoded(word: str) -> bytes:
    if not word.startswith(SECRET_PREFIX):
        raise SettingInvalid("A webhook secret does not start with whsec_.", next_step=_SECRET_STEP)
    try:
        return base64.b64decode(word.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise SettingInvalid("A webhook secret is not base64 after whsec_.", next_step=_SECRET_STEP) from None


def _content(message_id: str, timestamp: str, body: bytes) -> bytes:
    if "." in message_id:
        raise ValueError("a webhook id must not contain a full stop")
    return b".".join((message_id.encode("utf-8", "surrogateescape"), timestamp.encode(), body))


def _mac(key: bytes, content: bytes) -> bytes:
    return hmac.digest(key, content, hashlib.sha256)


def _signatures(header: str) -> list[bytes]:
    """The v1 digests of a header. Other schemes are passed over; malformed ones are as good as absent."""
    found = []
    for word in header.split(" ")[:_MAX_SIGNATURES]:
        if not word.startswith(_SCHEME):
            continue
        try:
            digest = base64.b64decode(word.removeprefix(_SCHEME), validate=True)
        except (binascii.Error, ValueError):  # ValueError: not ASCII
            continue
        if len(digest) == _DIGEST_BYTES:
            found.append(digest)
    return found
