"""Which header fields get special care while they are read."""

from __future__ import annotations

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
