"""Why it took long, or why it is not done, in words: the last line of a story."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from interlock.operate.duration import each_in_words, in_words
from interlock.operate.story import Fact, FactKind, Story, StoryState

LONG_WAIT_US = 1_000_000  # an engine that is awake takes an event up within milliseconds
_MOST = 4
_TIMES = {1: "once", 2: "twice"}
_DEAD = frozenset({FactKind.DEAD, FactKind.CALL_DEAD})
_HANDLING_ENDS = frozenset({FactKind.HANDLED, FactKind.SKIPPED, FactKind.DEAD, FactKind.DISCARDED, FactKind.PARKED})


def last_line(story: Story) -> str:
    """One or several sentences: what stands still first, then what took time. On a line of its own, what to do next."""
    reasons = list(_reasons(story))
    if len(reasons) > _MOST:
        reasons = [*reasons[:_MOST], f"And {len(reasons) - _MOST} more of the kind: see the lines above."]
    if story.state is StoryState.DONE:
        head, otherwise = _took(story), "nothing went wrong; every step succeeded at its first attempt."
    else:
        head, otherwise = "Why it is not done: ", "it is under way."
    return "\n".join([head + (" ".join(reasons) or otherwise), *_next_steps(story)])


def _took(story: Story) -> str:
    who = "it" if len(story.spans) == 1 else "they"
    return f"Why {who} took {each_in_words([span.duration_us for span in story.spans])}: "


def _reasons(story: Story) -> Iterator[str]:
    facts = story.facts
    yield from _dead_letters(facts)
    yield from _parked(facts)
    yield from _awaited(facts)
    yield from _calls(facts)
    yield from _handlers(facts)
    yield from _redrives(facts)
    yield from _restarts(facts)
    yield from _long_waits(facts)


def _next_steps(story: Story) -> list[str]:
    dead = [fact for fact in story.facts if fact.kind in _DEAD and fact.current]
    return [f"Next: interlock dlq show {_letter(fact)}" for fact in dead[:_MOST]]


def _letter(fact: Fact) -> str:
    place = f"{fact.name}/{fact.partition}/{fact.position}/{fact.generation}"
    return place if fact.kind is FactKind.DEAD else str(fact.delivery_id)


def _dead_letters(facts: Iterable[Fact]) -> Iterator[str]:
    for fact in facts:
        if fact.kind is FactKind.DEAD and fact.current:
            yield f"{fact.name} gave up after {_attempts(fact.attempt)} ({fact.error}) and dead-lettered it."
        elif fact.kind is FactKind.CALL_DEAD:
            yield f"{fact.name} was given up after {_attempts(fact.attempt)} ({_answer(fact)}) and dead-lettered."


def _parked(facts: Iterable[Fact]) -> Iterator[str]:
    for fact in facts:
        if fact.kind is FactKind.PARKED and fact.current:
            if fact.attempt:
                yield f"{fact.name} failed {_times(fact.attempt)} ({fact.error}) and will try again."
            else:
                yield f"It is parked in {fact.name} behind an earlier event of the same key that is failing."


def _awaited(facts: Iterable[Fact]) -> Iterator[str]:
    for fact in facts:
        if fact.awaited:
            kind, _, operation = fact.name.partition(":")
            what = f"the answer of {operation}" if kind == "reply" else fact.name
            have = "has" if len(fact.awaited) == 1 else "have"
            yield f"{what} is in the log, and {', '.join(fact.awaited)} {have} not come to it yet."


def _calls(facts: Iterable[Fact]) -> Iterator[str]:
    """A sentence for each delivery that did not succeed at once."""
    calls: dict[str, list[Fact]] = {}
    for fact in facts:
        if fact.delivery_id is not None:
            calls.setdefault(fact.delivery_id, []).append(fact)
    for delivery in calls.values():
        tries = [fact for fact in delivery if fact.kind is FactKind.CALLED]
        due = next((fact for fact in delivery if fact.kind is FactKind.CALL_DUE), None)
        if any(fact.kind is FactKind.CALL_DISCARDED for fact in delivery):
            yield f"{delivery[0].name} {_failures(tries)} and was given up, or replaced by a redrive."
        elif due is not None and not tries:
            yield f"{due.name} has not been called yet."
        elif due is not None:
            yield f"{due.name} {_failures(tries)}; it will be tried again."
        elif _refused(tries[-1:]):
            yield f"{tries[-1].name} refused with {tries[-1].status}, which is final."
        elif len(tries) > 1 and not any(fact.kind is FactKind.CALL_DEAD for fact in delivery):
            yield f"{tries[0].name} {_failures(tries[:-1])}; {_retry(tries)}. {_same_key(tries)}"


def _refused(tries: list[Fact]) -> bool:
    return any(fact.status is not None and 400 <= fact.status < 500 for fact in tries)


def _failures(tries: list[Fact]) -> str:
    """`answered 503 once and gave no answer (timeout) twice`."""
    if not tries:
        return "was not called"
    counted = Counter(_answer(fact) for fact in tries)
    told = [
        f"answered {what} {_times(count)}" if what.isdigit() else f"gave no answer ({what}) {_times(count)}"
        for what, count in counted.items()
    ]
    return " and ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told)


def _retry(tries: list[Fact]) -> str:
    ended = "succeeded" if 200 <= (tries[-1].status or 0) < 300 else "was the last"
    if len(tries) == 2:
        return f"the retry after {in_words(tries[1].at_us - tries[0].ended_us)} {ended}"
    return f"attempt {tries[-1].attempt}, {in_words(tries[-1].at_us - tries[0].at_us)} after the first, {ended}"


def _same_key(tries: list[Fact]) -> str:
    return "Both carried the same idempotency key." if len(tries) == 2 else "All carried the same idempotency key."


def _handlers(facts: Iterable[Fact]) -> Iterator[str]:
    """A sentence for each handling that got through after failures."""
    failed: dict[tuple[object, ...], list[Fact]] = {}
    for fact in facts:
        place = (fact.name, fact.partition, fact.position, fact.generation)
        if fact.kind is FactKind.FAILED:
            failed.setdefault(place, []).append(fact)
        elif fact.kind in (FactKind.HANDLED, FactKind.SKIPPED) and place in failed:
            before = failed[place]
            errors = ", ".join(dict.fromkeys(str(one.error) for one in before))
            waited = in_words(fact.at_us - before[0].at_us)
            yield f"{fact.name} failed {_times(len(before))} ({errors}) and succeeded {waited} after the first failure."


def _redrives(facts: tuple[Fact, ...]) -> Iterator[str]:
    """Generations after the first: somebody redrove a dead letter."""
    for fact in facts:
        if fact.kind not in _HANDLING_ENDS or not fact.generation:
            continue
        place = (fact.name, fact.partition, fact.position, fact.generation - 1)
        died = [one for one in facts if (one.name, one.partition, one.position, one.generation) == place]
        if died:
            later = in_words(fact.at_us - died[-1].ended_us)
            yield f"{fact.name} was redriven {later} after it had been dead-lettered."


def _restarts(facts: tuple[Fact, ...]) -> Iterator[str]:
    """Those that fell into the midst of one correlation: otherwise no engine was needed just then."""
    for fact in facts:
        if fact.kind is not FactKind.RESTARTED:
            continue
        gone_on = {later.correlation for later in facts if later.at_us >= fact.at_us and later.correlation}
        before = [one for one in facts if one.at_us < fact.at_us and one.correlation in gone_on]
        stopped_us = max((one.ended_us for one in before), default=0)
        if before and not any(one.kind in _DEAD and one.ended_us == stopped_us for one in before):
            silence = in_words(max(fact.at_us - stopped_us, 0))
            yield f"The engine was restarted; until then nothing happened for {silence}."


def _long_waits(facts: tuple[Fact, ...]) -> Iterator[str]:
    """Events that lay there though nothing failed and nothing was restarted."""
    accepted = {(fact.partition, fact.position): fact.at_us for fact in facts if fact.source is not None}
    troubled = {(fact.partition, fact.position) for fact in facts if fact.kind is FactKind.FAILED}
    restarts = [fact.at_us for fact in facts if fact.kind is FactKind.RESTARTED]
    for fact in facts:
        place = (fact.partition, fact.position)
        if fact.kind not in _HANDLING_ENDS or fact.generation or place in troubled or place not in accepted:
            continue
        waited_us = fact.at_us - accepted[place]
        if waited_us >= LONG_WAIT_US and not any(accepted[place] <= at_us <= fact.at_us for at_us in restarts):
            yield (
                f"{fact.name} took it up after {in_words(waited_us)}: "
                "it waited behind earlier events of its key, or the engine was behind."
            )


def _answer(fact: Fact) -> str:
    return str(fact.status) if fact.status is not None else fact.error or "none"


def _attempts(count: int | None) -> str:
    return "1 attempt" if count == 1 else f"{count or 0} attempts"


def _times(count: int) -> str:
    return _TIMES.get(count, f"{count} times")
