"""The corpus of changes: what was edited, where, and what its author says of it. Data in `corpus/`.

`pairs.json` has edits by keyword: two schemas of one field, and whether what the one takes the other takes, both ways.
`bases.json` has contracts as people write them, `places.json` the fields in them. Each edit is asked by itself and
again inside a contract, the next place each time. `changes.json` has changes of whole contracts, `readings.json` those
on which registries differ.

    python -m tests.json_schema.corpus      writes the tables of docs/explanation/json-schema-compatibility.md anew
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlock.contracts import pointer
from interlock.contracts.comparison import READINGS, Change
from interlock.contracts.diff import compare
from interlock.contracts.json_schema.diff import changes
from interlock.contracts.json_schema.undo import replaced

FOLDER = Path(__file__).parent / "corpus"
PAGE = Path(__file__).parents[2] / "docs/explanation/json-schema-compatibility.md"
DIRECTIONS = ("backward", "forward")
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


@dataclass(frozen=True, slots=True)
class Answer:
    """What the differ says of an edit."""

    edit: Edit
    changes: list[Change]

    def verdict(self, direction: str) -> str:
        effects = {change.effect for change in self.changes if change.direction == direction}
        return "breaking" if "breaking" in effects else "undecided" if "undecided" in effects else "compatible"

    @property
    def decided(self) -> int:
        """Of the two directions."""
        return sum(self.verdict(direction) != "undecided" for direction in DIRECTIONS)

    @property
    def agreed(self) -> int:
        return sum(self.verdict(direction) == self.edit.expected[direction] for direction in DIRECTIONS)


def answers() -> list[Answer]:
    return [Answer(edit, changes(edit.old, edit.new)) for edit in edits()]


def edits() -> Iterator[Edit]:
    """Every edit, by itself, inside a contract, and of whole contracts."""
    bases, places = _read("bases"), _read("places")
    turn = 0
    for keyword, pairs in _read("pairs").items():
        for number, pair in enumerate(pairs):
            expected = {direction: pair[direction] for direction in DIRECTIONS}
            yield Edit(keyword, f"{keyword} {number}", pair["old"], pair["new"], expected)
            turn, place = _next(turn, places, bases, pair)
            root, at = bases[place["base"]], pointer.split(place["at"])
            old, new = (replaced(root, at, pair[side]) for side in ("old", "new"))
            yield Edit(keyword, f"{keyword} {number} in {place['base']}{place['at']}", old, new, expected)
    for change in _read("changes"):
        expected = {direction: change[direction] for direction in DIRECTIONS}
        yield Edit("whole contracts", change["name"], change["old"], change["new"], expected)


def _next(turn: int, places: list[Any], bases: dict[str, Any], pair: Any) -> tuple[int, Any]:
    young = any(f'"{word}"' in json.dumps(pair) for word in YOUNGER)
    while young and bases[places[turn % len(places)]["base"]]["$schema"] == DRAFT_7:
        turn += 1
    return turn + 1, places[turn % len(places)]


def by_keyword(given: Iterable[Answer]) -> dict[str, list[Answer]]:
    found: dict[str, list[Answer]] = {}
    for answer in given:
        found.setdefault(answer.edit.keyword, []).append(answer)
    return found


def decided_table(given: list[Answer]) -> str:
    """Questions are edits times directions."""
    rows = ["| keyword | questions | decided | as the author says |", "|---|---|---|---|"]
    for keyword, those in [*by_keyword(given).items(), ("all", given)]:
        asked = 2 * len(those)
        decided, agreed = sum(one.decided for one in those), sum(one.agreed for one in those)
        rows.append(f"| {keyword} | {asked} | {decided} ({100 * decided / asked:.1f} %) | {agreed} |")
    return "\n".join(rows)


def readings_table() -> str:
    rows = [
        "| change, BACKWARD | SETS | STRICT | LENIENT | Confluent | Karapace | why |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in _read("readings"):
        said = [compare(row["old"], row["new"], reading=reading, kind="json-schema").verdict for reading in READINGS]
        cells = [row["change"], *said, row["confluent"], row["karapace"] or "–", row["stance"]]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def page_with(text: str, tables: dict[str, str]) -> str:
    """The page with each table between its marks."""
    for name, table in tables.items():
        marks = f"<!-- {name} -->", f"<!-- end of {name} -->"
        pattern = re.escape(marks[0]) + ".*?" + re.escape(marks[1])
        text, count = re.subn(pattern, lambda _, m=marks, t=table: f"{m[0]}\n{t}\n{m[1]}", text, flags=re.DOTALL)
        assert count == 1, name
    return text


def _read(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


if __name__ == "__main__":
    made = {"decided": decided_table(answers()), "readings": readings_table()}
    PAGE.write_text(page_with(PAGE.read_text(encoding="utf-8"), made), encoding="utf-8")
