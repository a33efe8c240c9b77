"""The log on JetStream keeps every promise of EventLog, on one server and on three."""

from __future__ import annotations

import jetstream
import pytest

from conformance.harnesses import JetStreamHarness
from interlock.testing.conformance import Check, NotApplicable
from interlock.testing.log_conformance import LOG_CHECKS


@pytest.fixture(params=["one server", "three servers"])
def harness(request: pytest.FixtureRequest) -> JetStreamHarness:
    if request.param == "one server":
        return JetStreamHarness(jetstream.server().url, 1)
    return JetStreamHarness(jetstream.cluster().url, 3)


@pytest.mark.parametrize("check", list(LOG_CHECKS), ids=str)
async def test_promise(check: Check, harness: JetStreamHarness) -> None:
    try:
        await check.run(harness)
    except NotApplicable as reason:
        pytest.skip(str(reason))
