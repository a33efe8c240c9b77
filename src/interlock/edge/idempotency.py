"""Idempotency-Key (IETF httpapi draft): the key, its scope, and the requests that still run."""

from __future__ import annotations

import re

from interlock.model.problems import (
    IdempotencyKeyInFlight,
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    MalformedRequest,
)

HEADER = "idempotency-key"
REPLAYED = ("idempotency-replayed", "true")
ANONYMOUS = "anonymous"
SEPARATOR = "\x1f"
MAX_KEY = 255

# RFC 8941 section 3.3.3, with the parameters of section 3.1.2, which are ignored.
_STRING = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"((?: *;.*)?)')
_PARAMETERS = re.compile(r"(?: *; *[a-z*][a-z0-9_\-.*]*(?:=[!-:<-~]+)?)*")


def key_of(header: str | None, *, required: bool) -> str | None:
    """The key that was sent. Raises IdempotencyKeyMissing where one is required, MalformedRequest for another form."""
    if header is None:
        if required:
            raise IdempotencyKeyMissing("This operation changes something and requires an Idempotency-Key.")
        return None
    match = _STRING.fullmatch(header.strip(" "))
    if match is None or _PARAMETERS.fullmatch(match[2]) is None or not 0 < len(match[1]) <= MAX_KEY:
        raise MalformedRequest(
            f"Idempotency-Key is no quoted string of 1 to {MAX_KEY} characters (RFC 8941 section 3.3.3).",
            next_step='Send it in double quotes: Idempotency-Key: "8e03978e-40d5-43dd-bc93-6894a57f9324"',
        )
    return re.sub(r"\\(.)", r"\1", match[1])


def scope_of(method: str, target: str, key: str, principal: str = ANONYMOUS) -> str:
    """Where a key is unique: principal, method, and the target with its path variables and query."""
    return SEPARATOR.join((principal, method, target, key))


class InFlight:
    """The keyed requests that run in this process. A claim lives with the process, never by time.

    A crash ends the process, its epoch and its claims; what was committed is in the stored answer.
    """

    __slots__ = ("_claims",)

    def __init__(self) -> None:
        self._claims: dict[str, bytes] = {}

    def claim(self, scope: str, fingerprint: bytes) -> None:
        """Raises IdempotencyKeyInFlight, or IdempotencyKeyReused when the running request has another body."""
        running = self._claims.get(scope)
        if running is None:
            self._claims[scope] = fingerprint
        else:
            same_body(running, fingerprint)
            raise IdempotencyKeyInFlight("The first request with this Idempotency-Key has not been answered yet.")

    def release(self, scope: str) -> None:
        self._claims.pop(scope, None)


def same_body(first: bytes, second: bytes) -> None:
    """Raises IdempotencyKeyReused when two fingerprints differ."""
    if first != second:
        raise IdempotencyKeyReused("This Idempotency-Key was used with another body.")
