"""The engine's log: one JSON object a line, with event names that stay.

The table says what may be logged and with which fields; `docs/reference/log-events.md` is made from it. What a line
holds is decided here, not where it is logged: fields beyond the table, and every message text, are left out, because
texts of errors quote values. Nothing is logged for each event or request.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from interlock.model.problems import EstateInvalid, Problem

OTHER = "log.other"


class LogEvent(NamedTuple):
    name: str
    level: str
    fields: tuple[str, ...]
    meaning: str


EVENTS: tuple[LogEvent, ...] = (
    LogEvent("engine.starting", "info", ("estate", "estate_hash", "release"), "The store is about to be opened."),
    LogEvent("engine.ready", "info", ("host", "port", "epoch"), "Requests are taken from now on."),
    LogEvent("engine.draining", "info", (), "Nothing more is taken; what is under way goes on to its end."),
    LogEvent(
        "engine.drained",
        "info",
        ("finished",),
        "The engine stopped. `finished` is false when the time ran out first: the rest is found again at the start.",
    ),
    LogEvent("engine.fenced", "error", ("code",), "A newer engine owns the store; this one drains and ends."),
    LogEvent(
        "flow.dead_letter",
        "warning",
        ("flow", "partition", "position", "generation", "code", "attempts", "key"),
        "A handling was given up. `key` is the keyed hash of its partition key. The story: `interlock dlq show "
        "<flow>/<partition>/<position>/<generation>`. At most 20 lines in 10 s, then `flow.dead_letters`.",
    ),
    LogEvent(
        "flow.dead_letters",
        "warning",
        ("flow", "code", "count"),
        "So many more were given up in the last 10 s; `interlock dlq list` has them all.",
    ),
    LogEvent(
        "delivery.dead_letter",
        "warning",
        ("delivery", "operation", "status", "code", "attempts", "flow"),
        "A call was given up, after that answer or that failure. The story: `interlock dlq show <delivery>`. At most "
        "20 lines in 10 s, then `delivery.dead_letters`.",
    ),
    LogEvent(
        "delivery.dead_letters",
        "warning",
        ("operation", "code", "count"),
        "So many more calls were given up in the last 10 s; `interlock dlq list` has them all.",
    ),
    LogEvent(
        "flow.partition_stuck",
        "warning",
        ("flow", "partition", "seconds"),
        "The oldest event of the partition has waited longer than `workers.stuck_seconds`, parked ones included. "
        "`interlock why` tells its story. Logged once until it moves.",
    ),
    LogEvent("flow.partition_moves", "info", ("flow", "partition"), "A partition that was stuck is no more."),
    LogEvent(
        "flow.expired",
        "error",
        ("flow", "partition", "after", "through"),
        "The log outside has dropped events between `after` and `through` that the flow had still to handle. The flow "
        "stands in this partition until somebody gives them up: `interlock expired list`.",
    ),
    LogEvent(
        "flow.gave_up_expired",
        "warning",
        ("flow", "partition", "after", "through", "events", "unseen"),
        "`interlock expired discard`: so many events were discarded, and the flow reads on. `unseen` are positions "
        "that nobody had indexed.",
    ),
    LogEvent(
        "partition.unowned",
        "warning",
        ("partitions", "members"),
        "No living process handles these partitions; `members` is how many run flows. Told by the oldest process.",
    ),
    LogEvent("supervisor.started", "info", ("child", "pid"), "One of the processes of `--workers` was started."),
    LogEvent(
        "supervisor.waits",
        "warning",
        ("code", "pause_seconds", "tried", "most"),
        "Store or log are away, so no process is started yet. They are asked again after a pause, which doubles.",
    ),
    LogEvent(
        "supervisor.restarts",
        "warning",
        ("child", "status", "pause_seconds", "deaths", "most"),
        "A process ended by itself and is started again after a pause, which doubles with each death in a row.",
    ),
    LogEvent(
        "supervisor.gave_up",
        "error",
        ("child", "status", "deaths"),
        "A process cannot be kept alive, so all are drained and the command ends.",
    ),
    LogEvent(
        "supervisor.killed",
        "error",
        ("child", "pid"),
        "A process did not end within `workers.drain_seconds` and 5 s more.",
    ),
    LogEvent(
        "engine.failed",
        "error",
        ("code", "kinds", "frames"),
        "A failure that no retry mends; the engine drains and ends. `kinds`: the class of the problem, of what it came "
        "from, and so on; `frames`: where the last of these was raised.",
    ),
    LogEvent(
        "estate.invalid",
        "error",
        ("estate", "errors", "codes"),
        "The estate was refused: how many errors, and which.",
    ),
    LogEvent(
        "flow.store_failed",
        "warning",
        ("flow", "code"),
        "The store did not take a flow's commit. It is repeated until it does; logged once for each outage.",
    ),
    LogEvent(
        "delivery.store_failed",
        "warning",
        ("code",),
        "The store did not take a call's outcome. It is repeated until it does; logged once for each outcome.",
    ),
    LogEvent(
        "relay.failed",
        "warning",
        ("code",),
        "The log outside did not take what flows emitted, or the outbox was away. It is tried again until they do; "
        "logged once for each outage.",
    ),
    LogEvent(
        "log.quarantined",
        "warning",
        ("position", "reason"),
        "A message that others put into the log on NATS is no event that a flow could be given; it stays there, at its "
        "position. A process logs the first hundred.",
    ),
    LogEvent(
        "log.away",
        "warning",
        ("code", "calls"),
        "The log outside did not acknowledge in time: so many calls were given up, and more are refused until it "
        "answers again.",
    ),
    LogEvent("log.back", "info", (), "The log outside answers again."),
    LogEvent(
        "log.passed_over",
        "warning",
        ("partition", "position", "total", "kind"),
        "What somebody put into the log outside is no event and is passed over. `total` since the start; the first "
        "is logged, then each thousandth.",
    ),
    LogEvent("delivery.breaker_opened", "warning", ("system",), "The system failed too often in a row: calls pause."),
    LogEvent("delivery.breaker_closed", "info", ("system",), "The system answers again: calls go on."),
    LogEvent(
        "delivery.settled_elsewhere",
        "warning",
        ("delivery", "operation"),
        "The outcome of a call came after somebody else had settled it; that one stands.",
    ),
    LogEvent(
        "delivery.defect",
        "error",
        ("delivery", "operation", "kind"),
        "A call could not be made because of a defect; it runs through its retries and is dead-lettered.",
    ),
    LogEvent("delivery.broken_off", "debug", ("delivery", "operation"), "A call was out while the engine went down."),
    LogEvent("delivery.stopped", "error", ("code",), "No more calls are made; the engine ends."),
    LogEvent("source.leads", "info", ("source",), "This process relays the outbox of the source from now on."),
    LogEvent(
        "source.away",
        "warning",
        ("source", "code"),
        "The relay cannot go on, because of the database or the log. It is tried again until it can; logged once for "
        "each outage. `interlock outbox status` says more.",
    ),
    LogEvent(
        "source.refused",
        "warning",
        ("source", "rows"),
        "Rows of a batch that are no events of the estate: set aside in their table, with the reason.",
    ),
    LogEvent("trace.file_failed", "warning", ("kind",), "Spans cannot be written and are dropped; logged once."),
    LogEvent(
        OTHER,
        "any",
        ("logger", "place", "kind", "frames"),
        "Logged by a library, or a defect: where it was logged, the class of the exception and where that was raised.",
    ),
)
_BY_NAME = {event.name: event for event in EVENTS}


class JsonLines(logging.Formatter):
    """RFC 3339 time in UTC, level, event, and the fields that the event's row names; which process, among several."""

    def __init__(self, process: str = "") -> None:
        super().__init__()
        self._process = {"process": process} if process else {}

    def format(self, record: logging.LogRecord) -> str:
        known = _BY_NAME.get(record.msg) if isinstance(record.msg, str) else None
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {"time": moment.replace("+00:00", "Z"), "level": record.levelname.lower()}
        line |= self._process
        if known is None or known.name == OTHER:
            line |= {"event": OTHER, **_other(record)}
        else:
            line |= {"event": known.name, **{name: getattr(record, name, None) for name in known.fields}}
        return json.dumps(line, default=str)


def _other(record: logging.LogRecord) -> dict[str, Any]:
    line: dict[str, Any] = {"logger": record.name, "place": f"{record.filename}:{record.lineno} {record.funcName}"}
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        line["kind"] = type(error).__name__
        line["frames"] = _frames(error)
    return line


def _frames(error: BaseException) -> list[str]:
    """Where it was raised, and through which calls, without a word of what was handled there."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in frames]


def configure(stream: TextIO | None = None, process: str = "") -> None:
    """Send all logging of this process, libraries' warnings included, to `stream`: stderr unless given."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines(process))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("interlock").setLevel(logging.INFO)


def engine_failed(problem: Problem) -> None:
    """What it says goes to people, who ended it or look at its end; the log gets what may stand there."""
    causes: list[BaseException] = [problem]
    while (cause := causes[-1].__cause__) is not None:
        causes.append(cause)
    fields = {"code": problem.code, "kinds": [type(one).__name__ for one in causes], "frames": _frames(causes[-1])}
    logging.getLogger("interlock.engine").error("engine.failed", extra=fields)


def estate_invalid(root: Path, invalid: EstateInvalid) -> None:
    """The findings themselves go to people; the log gets their codes."""
    codes = sorted({str(entry.get("code")) for entry in invalid.errors})
    fields = {"estate": root.resolve().name, "errors": len(invalid.errors), "codes": codes}
    logging.getLogger("interlock.estate").error("estate.invalid", extra=fields)
