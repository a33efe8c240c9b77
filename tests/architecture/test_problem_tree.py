"""The error tree is what its drawing shows."""

from __future__ import annotations

import re

import pytest

from interlock.model import problems
from interlock.model.problems import Problem, every_problem

LINE = re.compile(r"^(?P<rails>[│├└─ ]*)(?P<name>[A-Z]\w+)(?: +(?P<status>\d{3}))?(?:  +(?P<text>.+))?$")


def drawn() -> list[tuple[int, str, int | None]]:
    """(depth, class name, status) of each line of the drawing, in order."""
    lines = [LINE.match(line) for line in (problems.__doc__ or "").splitlines()]
    tree = [match for match in lines if match and (match["rails"] or match["name"] == "Problem")]
    return [(len(match["rails"]) // 4, match["name"], int(match["status"] or 0) or None) for match in tree]


def depth_of(kind: type[Problem]) -> int:
    return len([base for base in kind.__mro__ if issubclass(base, Problem)]) - 1


def test_the_tree_equals_its_drawing():
    built = [(depth_of(kind), kind.__name__, kind.status if depth_of(kind) == 2 else None) for kind in every_problem()]
    assert built == drawn()


def test_codes_are_the_names_and_stable():
    kinds = every_problem()
    leaves = {kind.code: kind.__name__ for kind in kinds if depth_of(kind) == 2}
    assert leaves == {re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower(): name for name in leaves.values()}
    assert len({kind.code for kind in kinds}) == len(kinds)


@pytest.mark.parametrize("kind", every_problem(), ids=lambda kind: kind.__name__)
def test_every_problem_says_what_to_do_next(kind):
    assert kind.title
    assert kind.title[0].isupper()
    assert 400 <= kind.status < 600
    assert kind.next_step
    assert issubclass(kind, Problem)


def test_only_the_tree_is_raised_as_a_problem():
    outside = [kind for kind in Problem.__subclasses__() if kind.__module__ != problems.__name__]
    assert outside == []
