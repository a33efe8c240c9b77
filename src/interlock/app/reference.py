"""Makes docs/reference/metrics.md, log-events.md and doctor.md from the tables that the code runs on.

python -m interlock.app.reference docs/reference
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from interlock.app.doctor import all_checks
from interlock.app.log import EVENTS
from interlock.edge.counters import METRICS as EDGE
from interlock.edge.counters import PROBLEMS
from interlock.operate.metrics import METRICS, Metric

NOTE = "<!-- Made by `python -m interlock.app.reference docs/reference`; a test compares. Do not edit. -->"

_METRICS = f"""# Metrics

{NOTE}

`GET /metrics` answers in the Prometheus text exposition format 0.0.4. Counters begin at 0 with each start of the
engine. A histogram has the series `_bucket` (with the label `le`), `_sum` and `_count`.

| metric | type | labels | meaning |
|---|---|---|---|
"""

_EVENTS = f"""# Log events

{NOTE}

`interlock up` writes one JSON object a line to stderr: `time` (RFC 3339, UTC), `level`, `event`, and the fields of the
event. Names and fields are stable. No line holds a payload, a secret or a free text of an error; nothing is logged for
each event or request: that is what the record and `interlock why` are for.

| event | level | fields | meaning |
|---|---|---|---|
"""

_DOCTOR = f"""# What `interlock doctor` looks at

{NOTE}

Each check speaks for one [promise](../explanation/promises.md), and finds one of four things: `ok`, the promise is kept
here; `warn`, something is about to change that, or narrows it; `broken`, it does not hold, or the engine refuses to
start because it would not; `unknown`, this place cannot tell. Which checks are made depends on the settings.

| check | looks at | promise | usual next step |
|---|---|---|---|
"""


def metrics() -> list[Metric]:
    """Everything that GET /metrics can show."""
    edge = [Metric(*row, labels=("code",) if row is PROBLEMS else ()) for row in EDGE]
    return [*edge, *METRICS]


def pages() -> dict[str, str]:
    """File name and content of each page."""
    return {
        "metrics.md": _METRICS + "".join(_rows((m.name, m.kind, _codes(m.labels), m.help) for m in metrics())),
        "doctor.md": _DOCTOR + "".join(f"| `{c.id}` | {c.looks_at} | {c.promise} | {c.fix} |\n" for c in all_checks()),
        "log-events.md": _EVENTS + "".join(_rows((e.name, e.level, _codes(e.fields), e.meaning) for e in EVENTS)),
    }


def _rows(rows: Iterator[tuple[str, str, str, str]]) -> Iterator[str]:
    return (f"| `{name}` | {kind} | {marks} | {text} |\n" for name, kind, marks, text in rows)


def _codes(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def main(folder: str) -> None:
    """Write the pages."""
    for name, content in pages().items():
        (Path(folder) / name).write_text(content, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(sys.argv[1])
