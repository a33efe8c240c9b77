"""The order that every part of the bench sends: one structured CloudEvent of exactly 600 bytes.

BENCH_ORDER_LINES makes it longer, for the model of capacity: each line beyond the five adds some 52 bytes.

Standard library only: the rivals' producers run in a venv without Interlock, and send the very same bytes.
"""

from __future__ import annotations

import hashlib
import os
import time

EVENT_BYTES = 600
SOURCE = "/bench/storefront"

_ROWS = (("85123A", 6, "2.55"), ("71053", 6, "3.39"), ("84406B", 8, "2.75"), ("22752", 2, "7.65"), ("21730", 6, "4.25"))
_COUNT = int(os.environ.get("BENCH_ORDER_LINES", "5"))
_LINES = ",".join(
    f'{{"sku":"{sku}","quantity":{quantity},"unit_price":"{price}"}}'
    for sku, quantity, price in (_ROWS * _COUNT)[:_COUNT]
)
_DATA = (
    '{"order_id":"%s","customer":"%s","placed_at":"2026-11-22T12:00:00Z","currency":"GBP","lines":[%s],"total":"98.44"}'
)
_EVENT = (
    '{"specversion":"1.0","id":"%s","source":"' + SOURCE + '","type":"orders.OrderPlaced",'
    '"time":"2026-11-22T12:00:00.000Z","datacontenttype":"application/json","data":%s}'
)


def new_run() -> str:
    """A prefix that makes ids unique across runs and rise with time, as UUIDv7 does."""
    return f"{time.time_ns() // 1_000_000:011x}"


def event_id(run: str, number: int) -> str:
    """Rises with the number. 21 characters."""
    return f"{run}-{number:09d}"


def random_id(run: str, number: int) -> str:
    """As unique, but in no order: what UUIDv4 does to an index."""
    return hashlib.md5(f"{run}-{number}".encode(), usedforsecurity=False).hexdigest()[:21]


def random_hex(identity: str) -> bytes:
    """32 hexadecimal digits, different for each identity."""
    return hashlib.md5(identity.encode(), usedforsecurity=False).hexdigest().encode()


def order_id(identity: str) -> str:
    return f"O-{identity}"


def data(identity: str) -> bytes:
    """The order itself. About 430 bytes: `customer` fills the event up."""
    return (_DATA % (order_id(identity), _CUSTOMER, _LINES)).encode()


def event(identity: str) -> bytes:
    return (_EVENT % (identity, data(identity).decode())).encode()


_CUSTOMER = ""
_CUSTOMER = "C-10042".ljust(EVENT_BYTES - len(event(event_id("0" * 11, 0))), "0")
