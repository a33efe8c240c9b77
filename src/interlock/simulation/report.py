"""What a campaign has shown, as Markdown that a reviewer can read without having been there."""

from __future__ import annotations

from collections.abc import Iterator

from interlock.simulation.campaign import MOST_STORIES, Campaign, crashed_points
from interlock.simulation.schedule import Outcome
from interlock.simulation.story import shortened

STORY_LINES = 80
SAID = 5


def report(found: Campaign, command: str) -> str:
    return "\n".join(_lines(found, command)) + "\n"


def verdict(found: Campaign) -> str:
    if not found.failed:
        return f"All promises held in {found.schedules:,} schedules."
    seeds = ", ".join(str(outcome.seed) for outcome in found.failed[:SAID])
    more = " and more" if len(found.failed) > SAID else ""
    return f"A promise was broken in {len(found.failed):,} of {found.schedules:,} schedules: seed {seeds}{more}."


def _lines(found: Campaign, command: str) -> Iterator[str]:
    estate = found.scenario.estate
    yield f"# Simulation of the estate {estate.name}"
    yield ""
    yield f"**{verdict(found)}**"
    yield ""
    yield f"- Estate {estate.hash[:12]}, seeds {found.first_seed} to {found.first_seed + found.schedules - 1}."
    yield f"- To run the same again: `{command}`"
    rate = 60 * found.schedules / found.seconds if found.seconds else 0.0
    yield (
        f"- {found.seconds:.1f} s of wall time, {rate:,.0f} schedules a minute; "
        f"{found.simulated_us / 3_600_000_000:,.1f} simulated hours, {found.events:,} events in the logs, "
        f"{found.turns:,} turns of the event loop."
    )
    hit, all_points = crashed_points(found)
    yield f"- Crashes found some task at {hit} of the {all_points} await points of flows and delivery."
    yield ""
    yield from _table("Deployments", "schedules", found.layouts)
    yield from _table("Faults that struck", "times", found.faults)
    yield from _invariants(found)
    yield from _stories(found)


def _table(title: str, unit: str, counts: dict[str, int]) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    yield f"| | {unit} |"
    yield "|---|---:|"
    for name, count in sorted(counts.items()):
        yield f"| {name} | {count:,} |"
    yield ""


def _invariants(found: Campaign) -> Iterator[str]:
    yield "## What was asked after each schedule"
    yield ""
    yield "| invariant | broken in | what it says |"
    yield "|---|---:|---|"
    for name, text in found.invariants.items():
        broken = sum(name in outcome.breaches for outcome in found.failed)
        yield f"| `{name}` | {broken:,} | {' '.join(text.split())} |"
    yield ""


def _stories(found: Campaign) -> Iterator[str]:
    for whole, outcome in zip(found.failed, found.stories, strict=False):
        yield from story(whole, outcome)
    left = len(found.failed) - len(found.stories)
    if found.failed and left > 0:
        yield f"{left} more failing seeds: {', '.join(str(one.seed) for one in found.failed[MOST_STORIES:])}."
        yield ""


def story(whole: Outcome, smallest: Outcome) -> Iterator[str]:
    """A failing seed, told by the smallest run that still fails."""
    yield f"## Seed {whole.seed}"
    yield ""
    yield (
        f"Deployment: {whole.layout}. {len(whole.faults)} faults and {len(whole.sendings)} things sent; "
        f"{len(smallest.faults)} and {len(smallest.sendings)} are enough:"
    )
    yield ""
    for name, said in smallest.breaches.items():
        yield f"- **{name}**"
        yield from (f"  - {one}" for one in said[:SAID])
        if len(said) > SAID:
            yield f"  - … and {len(said) - SAID} more"
    yield ""
    yield "What struck:"
    yield ""
    for fault in smallest.faults:
        yield f"- {fault.at_us / 1_000_000:.4f} s: {fault.kind} ({fault.told})"
    yield ""
    yield "```"
    yield from shortened(smallest.story, STORY_LINES)
    yield "```"
    yield ""
