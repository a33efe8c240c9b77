"""The line of every value of a JSON text."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from interlock.contracts import pointer
from interlock.contracts.positions import JsonLines

TEXT = """{
  "a": 1,
  "b": {
    "c": [
      true,
      {"d": "x:{[,"}
    ],
    "e/f": null
  }, "g": {}
}
"""
VALUES = st.recursive(
    st.none() | st.integers() | st.text(st.sampled_from('a"\\{}[]:,/~\n')),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.sampled_from('a"\\{[,:/~ ')), inner, max_size=3)
    ),
    max_leaves=12,
)


def test_members_stand_at_their_name_and_items_at_their_value() -> None:
    lines = JsonLines(TEXT)
    places = ["", "/a", "/b", "/b/c", "/b/c/0", "/b/c/1", "/b/c/1/d", "/b/e~1f", "/g"]
    assert [lines.line(place) for place in places] == [1, 2, 3, 4, 5, 6, 6, 8, 9]


def test_what_is_absent_has_the_line_of_its_parent() -> None:
    assert JsonLines(TEXT).line("/b/c/1/missing/deeper") == 6
    assert JsonLines(TEXT).line("/nowhere") == 1


@given(VALUES)
def test_one_value_a_line(value: Any) -> None:
    """json.dumps with an indent puts each member and each item on a line of its own: count them in order."""
    lines = JsonLines(json.dumps(value, indent=1))
    expected = 1
    for place, closing in _walk(value, ()):
        if place is not None:
            assert lines.line(place) == expected
        expected += 1 if place is None or not closing else 0


def _walk(value: Any, place: tuple[str | int, ...]) -> list[tuple[str | None, bool]]:
    """Each value's pointer, one line each; None for the closing bracket's line of a container that is not empty."""
    found: list[tuple[str | None, bool]] = [(pointer.join(place), False)]
    members = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    for name, inner in members:
        found += _walk(inner, (*place, name))
    return [*found, (None, True)] if members else found
