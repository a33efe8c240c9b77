"""The tables of `outcome`, drawn as the page docs/reference/deliveries.md.

python -m interlock.delivery.outcome_docs docs/reference
"""

from __future__ import annotations

import sys
from pathlib import Path

from interlock.delivery.outcome import ANSWERS, NO_ANSWER, RETRY_AFTER_CEILING_SECONDS, TRANSITIONS, WORDS, Outcome

_HEAD = """# Deliveries

<!-- Made from src/interlock/delivery/outcome.py. Change the tables there, then: make docs -->

An outside call is a row: intent, state and, for each attempt, one more row. Nothing about it is kept in memory alone.

## What an answer means

| answer | outcome | why |
|---|---|---|
"""

_STATES = """
Retry-After, in seconds or as a date, lengthens the wait before the next attempt, up to {hours} hours.

## What becomes of a delivery

```mermaid
stateDiagram-v2
    state "dead-lettered" as dead
    [*] --> pending
"""

_TAIL = """```

| state | outcome | next state |
|---|---|---|
"""


def page() -> str:
    """The whole page, as Markdown."""
    hours = RETRY_AFTER_CEILING_SECONDS // 3600
    rules = [f"| {_statuses(r.first, r.last)} | {r.outcome} | {r.why} |" for r in ANSWERS]
    rules.append(f"| none | {Outcome.RETRY} | {NO_ANSWER} |")
    arrows = [f"    {a.name.lower()} --> {b.name.lower()}: {outcome}" for (a, outcome), b in TRANSITIONS.items()]
    rows = [f"| {WORDS[a]} | {outcome} | {WORDS[b]} |" for (a, outcome), b in TRANSITIONS.items()]
    return _HEAD + _lines(rules) + _STATES.format(hours=hours) + _lines(arrows) + _TAIL + _lines(rows)


def _statuses(first: int, last: int) -> str:
    if first == last:
        return str(first)
    return f"{first // 100}xx" if last - first == 99 and first != 400 else "other 4xx"


def _lines(lines: list[str]) -> str:
    return "".join(line + "\n" for line in lines)


if __name__ == "__main__":
    (Path(sys.argv[1]) / "deliveries.md").write_text(page(), encoding="utf-8", newline="\n")
