"""GET /metrics: what the table says, no more and no less, in the form that Prometheus reads."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from observability.paying_shop import VALUE, running, write_estate

from delivery.faulty_target import FaultyTarget, answer
from interlock.app.reference import metrics, pages
from interlock.model.histogram import Histogram
from interlock.operate.metrics import Metric, exposition

REFERENCE = Path(__file__).parents[2] / "docs/reference"
LINE = re.compile(r'([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*\})? (-?[0-9.e+-]+|\+Inf)')
SERIES = ("_bucket", "_sum", "_count")


def samples(page: str) -> dict[str, float]:
    """Series with labels -> value; every line must be a comment or a sample."""
    found = {}
    for line in page.splitlines():
        if not line.startswith("# "):
            match = LINE.fullmatch(line)
            assert match is not None, line
            found[match[1] + (match[2] or "")] = float(match[3])
    return found


def metric_of(series: str, kinds: dict[str, str]) -> str:
    name = series.partition("{")[0]
    stems = [name.removesuffix(suffix) for suffix in SERIES if name.endswith(suffix)]
    return next((stem for stem in stems if kinds.get(stem) == "histogram"), name)


def types(page: str) -> dict[str, str]:
    return dict(re.findall(r"^# TYPE (\S+) (\S+)$", page, re.MULTILINE))


async def test_the_page_of_a_busy_engine_is_documented_and_right(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    async with FaultyTarget(answer(503), answer(200)) as target:
        write_estate(root, target.url, "")
        async with running(root) as site:
            await site.order("/events", "1")
            await site.settled()
            await site.order("/events", "failing")
            await site.settled()
            async with asyncio.timeout(5):
                page = await site.page()
                while 'state="parked"' not in page:  # tallies are as of the last upkeep
                    await asyncio.sleep(0.1)
                    page = await site.page()
    found, kinds = samples(page), types(page)
    assert {metric_of(series, kinds) for series in found} <= {metric.name for metric in metrics()}
    assert kinds == {metric.name: metric.kind for metric in metrics()}
    assert found['interlock_handlings{flow="paying",state="done"}'] == 2  # the order and the reply
    assert found['interlock_handlings{flow="paying",state="parked"}'] == 1
    assert found['interlock_flow_parked_keys{flow="paying"}'] == 1
    assert found['interlock_flow_in_flight_events{flow="paying"}'] == 0
    assert found['interlock_delivery_attempts_total{operation="payments.charge",outcome="retry"}'] == 1
    assert found['interlock_delivery_attempts_total{operation="payments.charge",outcome="succeeded"}'] == 1
    assert found['interlock_breaker_state{system="payments",state="closed"}'] == 1
    assert found['interlock_breaker_state{system="payments",state="open"}'] == 0
    assert found["interlock_commit_seconds_count"] == found["interlock_commit_items_count"] > 3
    assert 0 < found["interlock_commit_seconds_sum"] < 60
    assert found["interlock_trace_dropped_spans_total"] == 0
    assert VALUE not in page


def test_every_metric_is_described_and_well_named() -> None:
    rows = metrics()
    assert len({row.name for row in rows}) == len(rows)
    for row in rows:
        assert re.fullmatch(r"interlock_[a-z_]+[a-z]", row.name)
        assert row.help.endswith("."), row
        assert row.kind in ("counter", "gauge", "histogram"), row
        assert (row.kind == "counter") == row.name.endswith("_total"), row
        assert not re.search(r"_(ms|us|milliseconds|minutes|kb|mb)(_|$)", row.name), row


@pytest.mark.parametrize("page", ["metrics.md", "log-events.md", "doctor.md"])
def test_the_reference_is_what_the_tables_say(page: str) -> None:
    made = pages()[page]
    assert (REFERENCE / page).read_text() == made, "run: python -m interlock.app.reference docs/reference"


def test_a_histogram_is_cumulative() -> None:
    sizes = Histogram((1, 5))
    for value in (1, 2, 5, 6):
        sizes.observe(value)
    page = exposition({Metric("m_items", "histogram", "Help.", ("flow",)): [(("f",), sizes)]})
    assert page.splitlines() == [
        "# HELP m_items Help.",
        "# TYPE m_items histogram",
        'm_items_bucket{flow="f",le="1"} 1',
        'm_items_bucket{flow="f",le="5"} 3',
        'm_items_bucket{flow="f",le="+Inf"} 4',
        'm_items_sum{flow="f"} 14.0',
        'm_items_count{flow="f"} 4',
    ]


def test_label_values_are_escaped_and_must_fit() -> None:
    gauge = Metric("m", "gauge", "Help.", ("name",))
    assert exposition({gauge: [(('a"b\\c\nd',), 1)]}).splitlines()[2] == 'm{name="a\\"b\\\\c\\nd"} 1'
    with pytest.raises(ValueError, match="zip"):
        exposition({gauge: [((), 1)]})
