"""States are tables: every illegal step is refused, final ones are final, and the page is made from them."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from interlock.flows.saga.journal import Journal
from interlock.flows.saga.records import Entry
from interlock.flows.saga.state_docs import page
from interlock.model.problems import Unexpected
from interlock.model.saga import ENTRY_TRANSITIONS, FINAL, TRANSITIONS, EntryState, RunState, moved

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "runs.md"


def test_the_tables_are_whole() -> None:
    assert set(TRANSITIONS) == set(RunState)
    assert set(ENTRY_TRANSITIONS) == set(EntryState)
    assert {state.name for state in FINAL} == {"COMPLETED", "UNDONE", "CANCELLED", "STRANDED"}


@pytest.mark.parametrize(("before", "after"), list(product(RunState, RunState)))
def test_a_run_moves_as_the_table_says(before: RunState, after: RunState) -> None:
    if after in TRANSITIONS[before]:
        assert moved(before, after) is after
    else:
        with pytest.raises(Unexpected, match=f"{before.name.lower()} to {after.name.lower()}"):
            moved(before, after)


@pytest.mark.parametrize(("before", "after"), list(product(EntryState, EntryState)))
def test_an_entry_moves_as_the_table_says(before: EntryState, after: EntryState) -> None:
    def entry(state: EntryState) -> Entry:
        return Entry(0, "step", "charge", "#1", "00", state, 1, settled=int(state is not EntryState.OPEN))

    journal = Journal([entry(before)])
    if after in ENTRY_TRANSITIONS[before]:
        journal.change(entry(after))
        assert journal.number(0) == entry(after)
    else:
        with pytest.raises(Unexpected, match=f"{before.name.lower()} to {after.name.lower()}"):
            journal.change(entry(after))


def test_the_page_is_made_from_the_tables() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "make it again: make docs"
