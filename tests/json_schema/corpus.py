"""The corpus of changes: what was edited, where, and what its author says of it. Data in `corpus/`.

`pairs.json` has edits by keyword: two schemas of one field, and whether what the one takes the other takes, both ways.
`bases.json` has contracts as people write them, `places.json` the fields in them. Each edit is asked by itself and
again inside a contract, the next place each time. `changes.json` has changes of whole contracts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlock.contracts import pointer
from interlock.contracts.json_schema.undo import replaced

FOLDER = Path(__file__).parent / "corpus"
DRAFT_7 = "http://json-schema.org/draft-07/schema#"
# Draft 7 does not know these, so no edit of them is put into a contract that speaks it.
YOUNGER = frozenset({
    "prefixItems", "dependentRequired", "dependentSchemas", "unevaluatedProperties", "unevaluatedItems", "minContains",
    "maxContains", "duration", "uuid",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Edit:
    """`expected` by direction: compatible or breaking."""

    keyword: str
    name: str
    old: Any
    new: Any
    expected: dict[str, str]


def edits() -> Iterator[Edit]:
    """Every edit, by itself, inside a contract, and of whole contracts."""
    bases, places = _read("bases"), _read("places")
    turn = 0
    for keyword, pairs in _read("pairs").items():
        for number, pair in enumerate(pairs):
            expected = {direction: pair[direction] for direction in ("backward", "forward")}
            yield Edit(keyword, f"{keyword} {number}", pair["old"], pair["new"], expected)
            turn, place = _next(turn, places, bases, pair)
            root, at = bases[place["base"]], pointer.split(place["at"])
            old, new = (replaced(root, at, pair[side]) for side in ("old", "new"))
            yield Edit(keyword, f"{keyword} {number} in {place['base']}{place['at']}", old, new, expected)
    for change in _read("changes"):
        expected = {direction: change[direction] for direction in ("backward", "forward")}
        yield Edit("whole contracts", change["name"], change["old"], change["new"], expected)


def _next(turn: int, places: list[Any], bases: dict[str, Any], pair: Any) -> tuple[int, Any]:
    young = any(f'"{word}"' in json.dumps(pair) for word in YOUNGER)
    while young and bases[places[turn % len(places)]["base"]]["$schema"] == DRAFT_7:
        turn += 1
    return turn + 1, places[turn % len(places)]


def _read(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
