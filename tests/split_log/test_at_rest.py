"""What campaigns take for the end: all is indexed, also where the index knows that a partition has no more."""

from __future__ import annotations

from typing import cast

from split import Split
from stores import JetStreamBacking

from interlock.testing.samples import append, event


async def test_partitions_without_news_are_at_rest() -> None:
    """At a start their index goes on to the end of the whole stream, beyond their own newest event."""
    backing = JetStreamBacking()
    split = cast(Split, await backing.open())
    await append(split, [event(0, 1), event(1, 1)])
    assert not await backing.at_rest()
    await split.close()
    split = cast(Split, await backing.open())
    assert await split.outside.heads() != await split.state.ends() == [2] * split.log.partitions
    assert await backing.at_rest()
    await split.close()
    backing.drop()
