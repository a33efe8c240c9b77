"""What the NATS client raised, in words for people: `TimeoutError` and an empty text tell nobody anything."""

from __future__ import annotations

import os
import socket

from nats.errors import NoServersError, UnexpectedEOF
from nats.errors import TimeoutError as NatsTimeout

LONGEST = 200


def in_words(error: BaseException) -> str:
    """To stand behind "The NATS server at host:port"."""
    if isinstance(error, NatsTimeout | TimeoutError):
        return "does not answer: no connection was made in time"
    if isinstance(error, ConnectionRefusedError):
        return "does not answer: nobody listens there"
    if isinstance(error, socket.gaierror):
        return "does not answer: the name is not known here"
    if isinstance(error, ConnectionResetError | UnexpectedEOF):
        return "does not answer: the connection broke off"
    if isinstance(error, NoServersError):
        return "does not answer: none of the servers takes our connection"
    if isinstance(error, OSError) and error.errno is not None:
        return f"does not answer: {os.strerror(error.errno)}"
    text = " ".join(str(error).split()).removeprefix("nats: ")[:LONGEST]
    return f"does not answer: {text or 'the client gives no reason'}"
