"""A story as a timeline for people: one line a fact, and a last line that says why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, tzinfo

from interlock.model.clock import to_datetime
from interlock.operate.duration import each_in_words, in_words
from interlock.operate.reasons import last_line
from interlock.operate.story import Fact, FactKind, Story, StoryState

_SHORT_HASH = 6
_GAP = "  "
_COLOURS = {
    FactKind.FAILED: "33",
    FactKind.PARKED: "33",
    FactKind.RESTARTED: "36",
    FactKind.DEAD: "31",
    FactKind.CALL_DEAD: "31",
}
_STATE_COLOURS = {
    StoryState.DONE: "32",
    StoryState.WAITING: "33",
    StoryState.PARKED: "33",
    StoryState.DEAD: "31",
}
Line = tuple[str, str, str]  # who, what, and the measure on the right


def render(story: Story, zone: tzinfo | None = None, today: date | None = None, colour: bool = False) -> str:
    """The timeline in the reader's zone (None: this machine's). The day stands where it changes or is not `today`."""
    rows = [(fact, _line(fact)) for fact in story.facts]
    shown = [(fact, line) for fact, line in rows if line is not None]
    widths = [max((len(line[column]) for _, line in shown), default=0) for column in range(2)]
    lines = [_title(story, sum(widths) + len("  14:02:11.204  ") + 2 * len(_GAP), colour)]
    day = today
    for fact, (who, what, measure) in shown:
        moment = _local(fact.at_us, zone)
        if moment.date() != day:
            day = moment.date()
            lines.append(f"  {day:%A} {day.isoformat()}")
        text = f"  {moment:%H:%M:%S}.{moment.microsecond // 1000:03d}  {who:<{widths[0]}}{_GAP}"
        text += f"{what:<{widths[1]}}{_GAP}{measure}"
        lines.append(_painted(text.rstrip(), _colour(fact) if colour else None))
    lines += _remarks(story)
    return "\n".join([*lines, last_line(story)]) + "\n"


def _title(story: Story, column: int, colour: bool) -> str:
    root = story.root
    what = f"{short_type(root.name)} {root.version} from {root.source}" if root.source else root.name
    left = f"{story.term}  {what}"
    return f"{left:<{column}}" + _painted(_verdict(story), _STATE_COLOURS[story.state] if colour else None)


def _verdict(story: Story) -> str:
    if story.state is not StoryState.DONE:
        return story.state.value
    retries = {0: "", 1: ", 1 retry"}.get(story.retries, f", {story.retries} retries")
    return f"done in {each_in_words([span.duration_us for span in story.spans])}{retries}"


def _remarks(story: Story) -> Iterator[str]:
    if len(story.correlations) > 1:
        yield f"{len(story.correlations)} stories, each timed alone: ask for an event id to see one of them."
    if story.others:
        yield f"{story.others} earlier stories of {story.term} are left out."


def short_type(event_type: str) -> str:
    """`OrderPlaced` of `orders.OrderPlaced`, `OrderPlaced.v2` of `orders.OrderPlaced.v2`."""
    return event_type.partition(".")[2] or event_type


def _local(at_us: int, zone: tzinfo | None) -> datetime:
    return to_datetime(at_us).astimezone(zone)


def _line(fact: Fact) -> Line | None:
    """None for facts that another line tells already."""
    match fact.kind:
        case FactKind.REPLIED:
            return None
        case FactKind.ACCEPTED:
            return "accepted", f"contract {fact.name} {fact.version}", f"partition {fact.partition} @ {fact.position}"
        case FactKind.EMITTED:
            takers = f" → {', '.join(fact.flows)}" if fact.flows else ""
            return "emitted", f"{short_type(fact.name)} {fact.version}{takers}", ""
        case FactKind.STEP:
            return fact.name, _step(fact), ""
        case FactKind.RESTARTED:
            return "engine", _restart(fact), ""
        case FactKind.CALLED | FactKind.CALL_DUE | FactKind.CALL_DEAD | FactKind.CALL_DISCARDED:
            return "call", *_call(fact)
    return fact.name, *_handling(fact)


def _step(fact: Fact) -> str:
    """`step reserve`, `waits for orders.Shipped`, `undo charge failed: refused`."""
    if fact.step == "wait":
        said = f"waits for {fact.handler}" if fact.open else f"waited for {fact.handler}"
    elif fact.step in ("step", "sleep"):
        said = f"{fact.step} {fact.handler}" if fact.step != fact.handler else "sleep"
    else:
        said = str(fact.handler)
    if fact.error is not None:
        return f"{said} failed: {fact.error}" if fact.step in ("step", "wait", "undo") else f"{said}: {fact.error}"
    return f"{said}, not done yet" if fact.open and fact.step != "wait" else said


def _restart(fact: Fact) -> str:
    after, before = (fact.estate_hash or "")[:_SHORT_HASH], (fact.estate_hash_before or "")[:_SHORT_HASH]
    return f"restarted, estate {before} → {after}" if before != after else f"restarted, same estate {after}"


def _call(fact: Fact) -> tuple[str, str]:
    match fact.kind:
        case FactKind.CALL_DUE:
            return f"{fact.name}, attempt {(fact.attempt or 0) + 1} is due", ""
        case FactKind.CALL_DEAD:
            return f"{fact.name} dead-lettered after {_count(fact.attempt, 'attempt')}", ""
        case FactKind.CALL_DISCARDED:
            return f"{fact.name} given up, or replaced by a redrive", ""
    took = in_words(fact.duration_us or 0)
    answer = f"{fact.status} after {took}" if fact.status is not None else f"no answer ({fact.error}) after {took}"
    return f"{fact.name}, attempt {fact.attempt}{_key(fact)}", answer


def _key(fact: Fact) -> str:
    if not fact.idempotency_key or (fact.attempt or 0) < 2:
        return ""
    return f" (same key {fact.idempotency_key[:_SHORT_HASH]}…)"


def _handling(fact: Fact) -> tuple[str, str]:
    took = in_words(fact.duration_us or 0)
    of = _subject(fact)
    again = f", generation {fact.generation}" if fact.generation else ""
    match fact.kind:
        case FactKind.FAILED:
            return f"attempt {fact.attempt} failed: {fact.error} at {fact.frame}", took
        case FactKind.PARKED if fact.attempt:
            return f"parked after {_count(fact.attempt, 'attempt')}: {fact.error}{again}", ""
        case FactKind.PARKED:
            return f"parked behind an earlier event of its key{again}", ""
        case FactKind.SKIPPED:
            return f"{of} skipped by {fact.handler}: {fact.error}{again}", took
        case FactKind.DEAD:
            return f"{of} dead-lettered after {_count(fact.attempt, 'attempt')}: {fact.error}{again}", ""
        case FactKind.DISCARDED:
            return f"{of} discarded{f': {fact.error}' if fact.error else ''}{again}", ""
    tries = f", attempt {fact.attempt}" if (fact.attempt or 0) > 1 else ""
    return f"{of} handled by {fact.handler}{tries}{again}", took


def _subject(fact: Fact) -> str:
    kind, _, rest = (fact.event_type or "").partition(":")
    return f"answer of {rest}" if kind == "reply" else short_type(rest or kind)


def _count(number: int | None, noun: str) -> str:
    return f"1 {noun}" if number == 1 else f"{number or 0} {noun}s"


def _colour(fact: Fact) -> str | None:
    if fact.kind is FactKind.CALLED and not 200 <= (fact.status or 0) < 300:
        return "33"
    return _COLOURS.get(fact.kind)


def _painted(text: str, colour: str | None) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m" if colour else text
