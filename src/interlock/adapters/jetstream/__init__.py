"""EventLog on a stream of NATS JetStream."""

from __future__ import annotations

from interlock.adapters.jetstream.log import JetStreamLog

__all__ = ["JetStreamLog"]
