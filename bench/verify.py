"""Is everything that was acknowledged in the store? Asked of the file itself, without Interlock, after a SIGKILL.

`python -m bench.verify STORE ACKS [--handled] [--after POSITION]`. Prints one JSON line; exit 1 when anything is
missing or differs. With `--handled` each order must also have exactly one handling row (done), one state row and one
emitted event.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
from pathlib import Path

from bench import order

DONE = 2
ORDERS = "SELECT position, id, body FROM log WHERE position > ? AND type = 'orders.OrderPlaced' AND source = ?"
MARKS = "SELECT position, count(*) FROM handling WHERE position > ? AND state = ? GROUP BY position"
STATE = "SELECT 1 FROM state JOIN name ON name.id = state.tbl WHERE name.text = 'orders' AND state.key = ?"
NOTES = "SELECT causation, count(*) FROM log WHERE position > ? AND type = 'orders.OrderNoted' GROUP BY causation"


def verify(store: Path, acknowledged: list[str], *, handled: bool, after: int = 0) -> dict[str, int]:
    """Counts of what is missing or differs beyond the position `after`: but for `acknowledged`, 0 when it is whole."""
    connection = sqlite3.connect(store)
    try:
        rows = connection.execute(ORDERS, (after, order.SOURCE))
        found = {identity: (position, body) for position, identity, body in rows}
        there = [identity for identity in acknowledged if identity in found]
        result = {
            "acknowledged": len(acknowledged),
            "missing": len(acknowledged) - len(there),
            "different": sum(json.loads(found[one][1]) != json.loads(order.data(one)) for one in there),
        }
        if handled:
            marks = dict(connection.execute(MARKS, (after, DONE)))
            notes = dict(connection.execute(NOTES, (after,)))
            states = [connection.execute(STATE, (order.order_id(one),)).fetchone() for one in there]
            result["not_handled_once"] = sum(marks.get(found[one][0]) != 1 for one in there)
            result["without_state"] = states.count(None)
            result["not_emitted_once"] = sum(notes.get(one) != 1 for one in there)
        return result
    finally:
        connection.close()


def whole(result: dict[str, int]) -> bool:
    return not any(value for name, value in result.items() if name != "acknowledged")


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("store", type=Path)
    parser.add_argument("acks", type=Path)
    parser.add_argument("--handled", action="store_true")
    parser.add_argument("--after", type=int, default=0, help="the log's head before what was acknowledged")
    given = parser.parse_args(argv)
    acknowledged = [line.split()[0] for line in given.acks.read_text().splitlines()]
    result = verify(given.store, acknowledged, handled=given.handled, after=given.after)
    print(json.dumps(result))
    if not whole(result):
        print(f"the store lacks what was acknowledged: {result}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
