"""The rivals' one row per event, in PostgreSQL: the effect that each of their handlers has."""

from __future__ import annotations

import time

import orjson

CREATE = "CREATE TABLE IF NOT EXISTS handled(order_id text PRIMARY KEY, total text NOT NULL, at_us bigint NOT NULL)"
VALUES = "(order_id, total, at_us) VALUES"
INSERT = f"INSERT INTO handled{VALUES} (%s, %s, %s)"
INSERT_NUMBERED = f"INSERT INTO handled{VALUES} ($1, $2, $3)"
# A job that is run again finds its row: where nothing ties the row to the job, this is what keeps the effect single.
AGAIN = " ON CONFLICT (order_id) DO NOTHING"


def row(body: bytes | str) -> tuple[str, str, int]:
    data = orjson.loads(body)["data"]
    return data["order_id"], data["total"], time.time_ns() // 1000
