"""What a log outside dropped before it was handled, as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from interlock.ports.expired import SHOWN_IDS, Expired


def list_text(standing: Sequence[Expired], with_next: bool = True) -> str:
    """Each place where a flow stands, what is lost there, and the command that ends it."""
    if not standing:
        return "No flow has lost events to the retention of a log.\n"
    return "".join(f"{line}\n" for one in standing for line in _lines(one, with_next))


def expired_lines(standing: Sequence[Expired]) -> Iterator[str]:
    """One line each, and the next step."""
    for one in standing:
        yield f"{_place(one)}, with {_known(one)}{_unseen(one)}"
    if standing:
        yield "  next: interlock expired list"


def _lines(one: Expired, with_next: bool) -> Iterator[str]:
    yield _place(one)
    yield f"  lost: {_known(one)}{_unseen(one)}"
    if one.ids:
        more = f" and {one.events - len(one.ids):,} more" if one.events > SHOWN_IDS else ""
        yield f"  ids: {', '.join(one.ids)}{more}"
    if with_next:
        yield f"  next: interlock expired discard {one.flow} --partition {one.partition} --reason CODE"


def _place(one: Expired) -> str:
    return (
        f"{one.flow} stands in partition {one.partition}: the log has dropped positions {one.after + 1} to "
        f"{one.through} before they were handled"
    )


def _known(one: Expired) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in sorted(one.types.items())) or "no known event"


def _unseen(one: Expired) -> str:
    return f", and at most {one.unseen:,} events that nobody has seen" if one.unseen else ""


def discarded_text(results: Sequence[Mapping[str, Any]]) -> str:
    return "".join(_result(result) + "\n" for result in results)


def _result(result: Mapping[str, Any]) -> str:
    place = f"{result['flow']} in partition {result['partition']}"
    if "error" in result:
        return f"{place}  {result['error']}: {result['detail']}"
    unseen = f", {result['unseen']:,} positions that nobody had seen passed over" if result["unseen"] else ""
    return f"{place}  {result['events']:,} events discarded{unseen}; it reads on behind position {result['through']}"
