"""What a request's head must be like before anything is read on its strength (RFC 9112, RFC 9110)."""

from __future__ import annotations

from collections.abc import Mapping

from interlock.edge.limits import EdgeLimits
from interlock.model.problems import (
    BodyTooLarge,
    HeaderLimit,
    MalformedRequest,
    Problem,
    TooManyRequests,
    UnsupportedMediaType,
)

# A second field of these names would make two readers of the request disagree about it.
SINGLE = frozenset({"host", "content-length", "content-type", "transfer-encoding", "expect", "idempotency-key"})
# The usual ones, in the usual spellings: a look-up is cheaper than decoding and lowering.
NAMES: dict[bytes, str] = {
    spelling.encode(): name
    for name in (
        "host", "content-length", "content-type", "user-agent", "accept", "accept-encoding", "connection",
        "traceparent", "idempotency-key", "transfer-encoding", "expect", "authorization",
        "ce-id", "ce-source", "ce-type", "ce-time", "ce-specversion", "ce-subject", "ce-dataschema",
        "webhook-id", "webhook-timestamp", "webhook-signature",
    )
    for spelling in (name, name.title())
}  # fmt: skip


def framing_fault(headers: Mapping[str, str], version: str) -> Problem | None:
    """Host (RFC 9112 section 3.2), and one meaning for the length of the body (section 6.1)."""
    if "host" not in headers and version != "1.0":
        return MalformedRequest("The Host header is missing (RFC 9112 section 3.2).")
    coding = headers.get("transfer-encoding")
    if coding is not None and (coding.lower() != "chunked" or "content-length" in headers):
        detail = "Transfer-Encoding may only be chunked, and not beside Content-Length (RFC 9112 section 6.1)."
        return MalformedRequest(detail)
    return None


def coding_fault(headers: Mapping[str, str]) -> Problem | None:
    if headers.get("content-encoding", "identity") != "identity":
        return UnsupportedMediaType("Compressed bodies are not taken.", next_step="Send the body uncompressed.")
    return None


def repeat(headers: dict[str, str], key: str, text: str) -> Problem | None:
    """Join a further line of a field to the ones before (RFC 9110 section 5.3), where the field may be a list."""
    if key in SINGLE or key.startswith("ce-"):
        return MalformedRequest(f"The header {key} is there twice.")
    headers[key] = f"{headers[key]}, {text}"
    return None


def without_upgrade(method: bytes, target: bytes, headers: Mapping[str, str]) -> bytes:
    """The same head without the wish to switch protocols (RFC 9110 section 7.8), which a server may ignore."""
    fields = [f"{name}: {value}\r\n" for name, value in headers.items() if name not in ("upgrade", "connection")]
    lines = "".join(fields).encode("latin-1")
    return b"%b %b HTTP/1.1\r\n%b\r\n" % (method, target, lines)


def header_limit(limits: EdgeLimits) -> HeaderLimit:
    return HeaderLimit(f"More than {limits.headers} headers, or more than {limits.header_bytes} bytes of them.")


def collected_limit() -> TooManyRequests:
    return TooManyRequests("Too many bytes of unfinished bodies are held.", retry_after_seconds=1)


def body_limit(limits: EdgeLimits) -> BodyTooLarge:
    return BodyTooLarge(f"The body is larger than {limits.body_bytes} bytes.")
