"""What came of a run, for people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from demo.feeder import Tally

SHOWN = 10


@dataclass(frozen=True, slots=True)
class Run:
    """status: of `interlock status`; result: the reconciler's; seconds: from the first event to the last effect."""

    status: dict[str, Any]
    letters: list[dict[str, Any]]
    result: dict[str, Any]
    tally: Tally
    seconds: float
    kills: int
    story_of: str
    story: str

    @property
    def agrees(self) -> bool:
        return bool(self.result["agrees"] and self.status["balanced"] and self.status["settled"])

    @property
    def handled(self) -> int:
        return sum(flow["accepted"] for flow in self.status["flows"])


def render(run: Run, console: Console) -> None:
    for line in lines_of(run):
        console.print(line, markup=False, soft_wrap=True)


def lines_of(run: Run) -> Iterable[str]:
    yield from _input(run)
    yield from _work(run)
    yield from _refusals(run)
    yield from _books(run)
    yield f"\ninterlock why {run.story_of}\n"
    yield run.story.rstrip()
    yield "\nthe books agree" if run.agrees else "\nthe books do NOT agree"


def _input(run: Run) -> Iterable[str]:
    result, tally = run.result, run.tally
    fates = ", ".join(f"{total} {fate}" for fate, total in sorted(result["fates"].items()))
    yield f"\ninput     {result['rows']} rows, {result['invoices']} invoices, {result['duplicate_rows']} duplicate rows"
    yield f"orders    {result['orders']}: {fates}; {result['cancellations']} cancellations of orders"
    yield f"fed       {_counts(tally.statuses)} events in {sum(tally.ways.values())} requests: {_counts(tally.ways)}"
    yield f"          {tally.duplicates} sent again on purpose; tried again after {_counts(tally.retries) or 'nothing'}"


def _work(run: Run) -> Iterable[str]:
    calls, incidents = run.status["deliveries"], dict(run.result["incidents"])
    requests, replayed = incidents.pop("requests", 0), incidents.pop("replayed", 0)
    incidents.pop("none", None)
    balance = "balance" if run.status["balanced"] else "do NOT balance"
    settled = "everything settled" if run.status["settled"] else "NOT settled"
    yield f"engine    {run.kills} x SIGKILL; the sums of all flows {balance}; {settled}"
    yield f"calls     {_counts(calls)}; {requests} requests, {requests - sum(calls.values())} of them retries"
    yield f"faults    {_counts(incidents) or 'none'}; {replayed} answered again under the same key"
    rates = f"{run.handled / run.seconds:.0f} handlings/s, {run.result['orders'] / run.seconds:.0f} orders/s"
    yield f"speed     {run.seconds:.1f} s at the feeder's pace; {run.handled} handlings: {rates}"


def _refusals(run: Run) -> Iterable[str]:
    yield f"refused   {len(run.letters)} dead letters"
    rows = run.result["refused_rows"]
    for reason, total in sorted(run.result["refusals"].items()):
        yield f"          {reason:30} {total:5} letters {rows[reason]:6} rows"


def _books(run: Run) -> Iterable[str]:
    money = {kind: f"£{pennies // 100:,}.{pennies % 100:02}" for kind, pennies in run.result["pennies"].items()}
    yield f"books     {', '.join(f'{kind} {amount}' for kind, amount in money.items())}"
    for kind, texts in run.result["differences"].items():
        yield f"          DIFFERENT {kind}: {len(texts)}"
        yield from (f"             {text}" for text in texts[:SHOWN])


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{total} {name}" for name, total in sorted(counts.items()) if total)
