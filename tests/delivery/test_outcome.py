"""The tables of deliveries, and the page that is drawn from them."""

from __future__ import annotations

from pathlib import Path

import pytest

from interlock.delivery.outcome import TRANSITIONS, WORDS, Outcome, outcome_of, retry_after_us
from interlock.delivery.outcome_docs import page
from interlock.model.record import DeliveryState

NOW_US = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "deliveries.md"


@pytest.mark.parametrize(
    ("statuses", "outcome"),
    [
        ((200, 201, 202, 204, 299), Outcome.SUCCEEDED),
        ((301, 302, 304, 307, 308), Outcome.RETRY),
        ((408, 425, 429, 500, 502, 503, 504, 599), Outcome.RETRY),
        ((400, 401, 402, 403, 404, 409, 410, 418, 422), Outcome.REFUSED),
        ((None, 0, 100, 199, 600, 999), Outcome.RETRY),
    ],
)
def test_answers(statuses: tuple[int | None, ...], outcome: Outcome) -> None:
    assert {outcome_of(status) for status in statuses} == {outcome}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("0", 0),
        ("Thu, 01 Jan 2026 00:01:00 GMT", 60),
        ("Thursday, 01-Jan-26 00:01:00 GMT", 60),
        ("Thu Jan  1 00:01:00 2026", 60),
        ("Wed, 31 Dec 2025 00:00:00 GMT", 0),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 86400),
        ("9" * 4000, 86400),
        ("", 0),
        ("-5", 0),
        ("soon", 0),
        ("1.5", 0),
        ("٣", 0),
        ("Thu, 99 Jan 2026 99:99:99 GMT", 0),
    ],
)
def test_retry_after(text: str, seconds: int) -> None:
    assert retry_after_us({"retry-after": text}, NOW_US) == seconds * 1_000_000


def test_no_retry_after() -> None:
    assert retry_after_us({}, NOW_US) == 0


def test_final_states_are_final() -> None:
    with_a_way_on = {state for state, _ in TRANSITIONS}
    assert with_a_way_on == {DeliveryState.PENDING, DeliveryState.DEAD}
    assert {after for (before, _), after in TRANSITIONS.items() if before is DeliveryState.DEAD} == {
        DeliveryState.DISCARDED
    }


def test_every_state_is_reached_and_named() -> None:
    assert set(TRANSITIONS.values()) == set(DeliveryState) == set(WORDS)


def test_page_is_current() -> None:
    assert PAGE.read_text() == page(), "make it again from interlock.delivery.outcome_docs.page()"
