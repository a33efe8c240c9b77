"""The whole path, from HTTP to the handling's commit; and catch-up, where the events wait in the log already."""

from __future__ import annotations

from bench.comparison import Comparison, Figure, Findings
from bench.plan import Plan
from bench.subjects.celery import Celery
from bench.subjects.faststream import FastStream
from bench.subjects.interlock import Interlock
from bench.turn import Run, Samples, ours_live, ours_waiting, rival_live, rival_waiting

LIST_SIZE = 100

DOES_NOT = "no contract, dedupe, state with its mark, emitted event, order per key after a failure, or record"
ONE = f"one commit per message; JetStream acknowledges before fsync; {DOES_NOT}"
ALWAYS = f"one commit per message; JetStream fsyncs before it acknowledges, as Interlock does; {DOES_NOT}"
LISTS = f"one commit per list, the handler sees lists, one bad message fails its list; {DOES_NOT}"
TASKS = f"Redis keeps tasks in memory only, a task is acknowledged before it runs; {DOES_NOT}"


def measure(plan: Plan) -> Findings:
    """Every subject once per round, one after the other."""
    found = Findings()
    live, waiting = runs(plan, found)
    for label, group in (("HTTP to handled", live), ("catch-up, without HTTP", waiting)):
        samples = {name: Samples() for name in group}
        for _ in range(plan.rounds):
            for name, run in group.items():
                run(samples[name])
        ours = samples.pop("Interlock").figure("Interlock")
        if not samples:
            found.comparisons.append(Comparison("whole path", label, "events/s", ours))
        for name, theirs in samples.items():
            found.comparisons.append(_comparison(label, ours, theirs.figure(name)))
    found.remarks.append(
        "after SIGKILL: every acknowledged order found, handled once, with its state row and its event"
    )
    return found


def _comparison(label: str, ours: Figure, theirs: Figure) -> Comparison:
    live = label.startswith("HTTP")
    if "lists" in theirs.name:
        note, aim = LISTS, None if live else 1.0
    elif "always" in theirs.name:
        note, aim = ALWAYS, None
    elif "FastStream" in theirs.name:
        note, aim = ONE, 2.0 if live else None
    else:
        note, aim = TASKS, 10.0 if live else None
    return Comparison("whole path", label, "events/s", ours, theirs, note, aim)


def runs(plan: Plan, found: Findings) -> tuple[dict[str, Run], dict[str, Run]]:
    """By name: live runs and catch-up runs of all who can run here."""
    count = plan.whole_count

    def ours() -> Interlock:
        return Interlock(plan.place / "whole")

    live: dict[str, Run] = {"Interlock": lambda samples: ours_live(ours, count, samples)}
    waiting: dict[str, Run] = {"Interlock": lambda samples: ours_waiting(ours, count, samples)}
    if plan.rivals is not None:
        found.remarks.append(f"skipped FastStream and Celery: {plan.rivals}")
        return live, waiting
    place = plan.place / "rival"
    one, lists = FastStream(place), FastStream(place, size=LIST_SIZE)
    always = FastStream(place, sync_always=True)
    for subject in (one, lists):
        share = count if subject is lists else count // 4
        live[subject.name] = lambda samples, who=subject, n=share: rival_live(who, n, samples)  # type: ignore[misc]
        waiting[subject.name] = lambda samples, who=subject, n=share: rival_waiting(who, n, samples)  # type: ignore[misc]
    live[always.name] = lambda samples: rival_live(always, count // 8, samples)
    if not plan.redis:
        found.remarks.append("skipped Celery: redis-server is not installed (apt-get install redis-server)")
        return live, waiting
    celery = Celery(place)
    live[celery.name] = lambda samples: rival_live(celery, plan.celery_count, samples)
    waiting[celery.name] = lambda samples: rival_waiting(celery, plan.celery_count, samples)
    return live, waiting
