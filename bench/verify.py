"""Is everything that was acknowledged in the store? Asked of the store itself, without Interlock, after a SIGKILL.

`python -m bench.verify STORE ACKS [--handled [--silent]] [--apart] [--after POSITION]`. STORE is a file, or the URI of
a PostgreSQL database. Prints one JSON line; exit 1 when anything is missing or differs. With `--handled` each order has
to have exactly one handling row (done), one state row and, without `--silent`, one emitted event. With `--apart` the
log is elsewhere: handlings and state rows are looked at alone.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from bench import order

DONE = 2
DATABASE = "postgresql:"
ORDERS = (
    "SELECT partition, position, id, body FROM log WHERE position > ? AND type = 'orders.OrderPlaced' AND source = ?"
)
MARKS = "SELECT partition, position, count(*) FROM handling WHERE position > ? AND state = ? GROUP BY 1, 2"
STATE = "SELECT key FROM state JOIN name ON name.id = state.tbl WHERE name.text = 'orders'"
NOTES = "SELECT causation, count(*) FROM log WHERE position > ? AND type = 'orders.OrderNoted' GROUP BY causation"


Ask = Callable[..., Iterable[tuple[Any, ...]]]


@contextmanager
def asking(store: str) -> Iterator[Ask]:
    """A function that runs a query on the file or the database."""
    if not store.startswith(DATABASE):
        with closing(sqlite3.connect(store)) as file:
            yield lambda statement, *bindings: file.execute(statement, bindings)
        return
    import psycopg  # an extra

    with psycopg.connect(store, options="-c search_path=interlock") as connection:
        yield lambda statement, *bindings: connection.execute(statement.replace("?", "%s"), bindings).fetchall()


def verify(
    store: Path | str,
    acknowledged: list[str],
    *,
    handled: bool,
    silent: bool = False,
    apart: bool = False,
    after: int = 0,
) -> dict[str, int]:
    """Counts of what is missing or differs beyond the position `after`: but for `acknowledged`, 0 when it is whole.

    `apart`: the log is not in this store, so the handlings and their effects must do.
    """
    with asking(str(store)) as ask:
        if apart:
            return handled_once(ask, acknowledged)
        found = {identity: (place, body) for *place, identity, body in ask(ORDERS, after, order.SOURCE)}
        there = [identity for identity in acknowledged if identity in found]
        result = {
            "acknowledged": len(acknowledged),
            "missing": len(acknowledged) - len(there),
            "different": sum(json.loads(found[one][1]) != json.loads(order.data(one)) for one in there),
        }
        if handled:
            marks = {place: count for *at, count in ask(MARKS, after, DONE) for place in [tuple(at)]}
            states = {key for (key,) in ask(STATE)}
            result["not_handled_once"] = sum(marks.get(tuple(found[one][0])) != 1 for one in there)
            result["without_state"] = sum(order.order_id(one) not in states for one in there)
        if handled and not silent:
            notes: dict[str, int] = dict(ask(NOTES, after))
            result["not_emitted_once"] = sum(notes.get(one) != 1 for one in there)
        return result


def handled_once(ask: Ask, acknowledged: list[str]) -> dict[str, int]:
    marks = [count for *_, count in ask(MARKS, 0, DONE)]
    states = {key for (key,) in ask(STATE)}
    return {
        "acknowledged": len(acknowledged),
        "not_handled_once": abs(len(acknowledged) - len(marks)) + sum(count != 1 for count in marks),
        "without_state": sum(order.order_id(one) not in states for one in acknowledged),
    }


def whole(result: dict[str, int]) -> bool:
    return not any(value for name, value in result.items() if name != "acknowledged")


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("store")
    parser.add_argument("acks", type=Path)
    parser.add_argument("--handled", action="store_true")
    parser.add_argument("--silent", action="store_true", help="the handler emits nothing")
    parser.add_argument("--apart", action="store_true", help="the log is elsewhere")
    parser.add_argument("--after", type=int, default=0, help="the log's head before what was acknowledged")
    given = parser.parse_args(argv)
    acknowledged = [line.split()[0] for line in given.acks.read_text().splitlines()]
    result = verify(
        given.store, acknowledged, handled=given.handled, silent=given.silent, apart=given.apart, after=given.after
    )
    print(json.dumps(result))
    if not whole(result):
        print(f"the store lacks what was acknowledged: {result}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
