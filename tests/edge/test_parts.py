"""The edge's small parts alone."""

from __future__ import annotations

import pytest

from interlock.edge.admission import Admission
from interlock.edge.exchange import Response
from interlock.edge.limits import EdgeLimits
from interlock.edge.refusals import HOUR_US, OTHERS, Refusals
from interlock.edge.response_writer import ResponseWriter
from interlock.edge.router import Router
from interlock.edge.traceparent import sampled, valid_traceparent
from interlock.model.problems import EstateInvalid

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b9c7c989f97918e1-01"


def test_refusals_are_counted_per_hour_code_contract_and_source() -> None:
    refusals = Refusals()
    for now_us in (HOUR_US + 5, HOUR_US + 9, 2 * HOUR_US):
        refusals.record("code", "type", "source", f"/at/{now_us}", now_us)
    first, second = refusals.take()
    assert (first.hour_us, first.total, first.first_us, first.last_us) == (HOUR_US, 2, HOUR_US + 5, HOUR_US + 9)
    assert first.pointer == f"/at/{HOUR_US + 5}", "the first place is the sample"
    assert (second.hour_us, second.total) == (2 * HOUR_US, 1)


def test_refusals_stay_bounded_and_lose_no_count() -> None:
    refusals = Refusals(capacity=10)
    for number in range(1000):
        refusals.record("code", "type", f"source-{number}" + "x" * 1000, "/p", 5)
    rows = refusals.take()
    assert len(rows) == 11
    assert sum(row.total for row in rows) == 1000
    assert [row.total for row in rows if row.source == OTHERS] == [990]
    assert all(len(row.source) <= 256 for row in rows)


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        (TRACE, TRACE),
        (TRACE.replace("00-", "01-", 1) + "-future", TRACE.replace("00-", "01-", 1)),
        (TRACE + "-more", None),
        (TRACE.upper(), None),
        (TRACE.replace("00-", "ff-", 1), None),
        ("00-" + "0" * 32 + TRACE[35:], None),
        (TRACE[:36] + "0" * 16 + "-01", None),
        (TRACE + "\n", None),
        ("", None),
    ],
)
def test_traceparent(text: str, taken: str | None) -> None:
    assert valid_traceparent(text) == taken


def test_sampled_sets_only_the_flag() -> None:
    assert sampled(TRACE[:-2] + "00") == TRACE


def test_the_disk_is_asked_at_most_once_a_second() -> None:
    asked: list[int] = []

    def free_disk() -> int:
        asked.append(1)
        return 0

    admission = Admission(EdgeLimits(), free_disk=free_disk)
    assert admission.refusal() is None
    for now_us in range(0, 2_000_001, 250_000):
        admission.tick(now_us)
    assert len(asked) == 3
    refusal = admission.refusal()
    assert refusal is not None
    assert refusal.code == "storage_full"


def test_draining_comes_first() -> None:
    admission = Admission(EdgeLimits(), lag=lambda: 1 << 40)
    admission.tick(0)
    admission.draining = True
    refusal = admission.refusal()
    assert refusal is not None
    assert (refusal.code, refusal.status, refusal.retry_after_seconds) == ("draining", 503, 5)


def test_two_operations_cannot_share_a_route() -> None:
    router = Router()
    router.add("GET", "/a/{b}", lambda request, respond: None)
    with pytest.raises(EstateInvalid, match="is served already"):
        router.add("GET", "/a/{b}", lambda request, respond: None)
    router.add("POST", "/a/{b}", lambda request, respond: None)


def test_the_date_follows_the_clock() -> None:
    writer = ResponseWriter(784_111_777_000_000)
    first = writer.render(Response(200), head_only=False, connection=b"")
    assert b"date: Sun, 06 Nov 1994 08:49:37 GMT\r\n" in first  # the example of RFC 9110 section 5.6.7
    writer.tick(784_111_778_000_000)
    assert b"08:49:38" in writer.render(Response(200), head_only=False, connection=b"")


@pytest.mark.parametrize("status", [204, 304])
def test_bodiless_answers_have_no_length(status: int) -> None:
    message = ResponseWriter(0).render(Response(status, b"dropped"), head_only=False, connection=b"")
    assert b"content-length" not in message
    assert message.endswith(b"\r\n\r\n")


def test_an_unusual_status_has_a_reason() -> None:
    assert (
        ResponseWriter(0).render(Response(299), head_only=False, connection=b"").startswith(b"HTTP/1.1 299 Status\r\n")
    )
