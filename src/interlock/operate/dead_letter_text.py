"""Dead letters as text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import Any

import msgspec

from interlock.model.clock import to_datetime
from interlock.operate.dead_letters import DeadLetter, DeadLetterStory
from interlock.operate.duration import in_words
from interlock.operate.table import table_text

_HEADINGS = ("id", "what", "event", "since", "attempts", "reason")


def list_text(letters: Sequence[DeadLetter], zone: tzinfo | None = None) -> str:
    """A table, and what to do next."""
    if not letters:
        return "no dead letters\n"
    table = table_text(_HEADINGS, [_row(letter, zone) for letter in letters])
    return f"{table}Next: interlock dlq show <id>, then redrive or discard it\n"


def _row(letter: DeadLetter, zone: tzinfo | None) -> tuple[str, ...]:
    reason = letter.reason + (", overtaken" if letter.overtaken else "")
    return letter.id, letter.subject, letter.event_id, _moment(letter.at_us, zone), str(letter.attempts), reason


def story_text(story: DeadLetterStory, with_payload: bool, zone: tzinfo | None = None) -> str:
    """One dead letter in full."""
    letter = story.letter
    lines = [
        f"{letter.id}  {letter.kind} of {letter.subject}",
        f"  flow         {letter.flow} version {story.flow_version}",
        f"  event        {letter.event_id}",
        f"  contract     {story.contract} {story.contract_version}",
        f"  correlation  {story.correlation}",
        f"  trace        {story.trace or 'none'}",
        f"  dead since   {_moment(letter.at_us, zone)}, {letter.reason}",
    ]
    if letter.overtaken:
        lines.append("  overtaken    later events of its key were handled meanwhile")
    lines += [_attempt(attempt) for attempt in story.attempts]
    if letter.detail:
        lines.append(f"  detail       {letter.detail}")
    if with_payload:
        lines.append(f"  payload      {msgspec.json.encode(story.payload).decode()}")
    elif story.payload is not None:
        lines.append("  payload      not shown; add --payload")
    lines.append(f'Next: interlock dlq redrive {letter.id}, or: interlock dlq discard {letter.id} --reason "…"')
    return "\n".join(lines) + "\n"


def _attempt(attempt: dict[str, Any]) -> str:
    took = in_words(attempt["duration_us"])
    what = attempt["error"] or attempt.get("status")
    where = f" at {attempt['frame']}" if attempt.get("frame") else ""
    number = f"{attempt['attempt']}" + (f" of generation {attempt['generation']}" if attempt.get("generation") else "")
    return f"  attempt {number:<5}{attempt['at']}  {what}{where}, after {took}"


def _moment(at_us: int, zone: tzinfo | None) -> str:
    return to_datetime(at_us).astimezone(zone).isoformat(sep=" ", timespec="seconds")
