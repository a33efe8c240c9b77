"""The release of now, on a schema that a newer one has expanded: all of its suites."""

from __future__ import annotations

from typing import Any

import postgres
import pytest
from next_release import EXPAND, release

from interlock.adapters.postgres.connection import Target
from interlock.adapters.postgres.schema import prepare
from interlock.model.migration import Migration
from interlock.testing.conformance import Check, NotApplicable
from interlock.testing.keeping_conformance import KEEPING_CHECKS
from interlock.testing.log_conformance import LOG_CHECKS
from interlock.testing.membership_conformance import MEMBERSHIP_CHECKS
from interlock.testing.outbox_conformance import INDEX_CHECKS, OUTBOX_CHECKS
from interlock.testing.record_conformance import RECORD_CHECKS
from interlock.testing.schema_conformance import SCHEMA_CHECKS, SchemaCheck
from interlock.testing.state_conformance import STATE_CHECKS

from . import test_schema_conformance as registry
from .harnesses import PostgresHarness
from .split_harnesses import PostgresSplitHarness

CHECKS = [*LOG_CHECKS, *STATE_CHECKS, *KEEPING_CHECKS, *RECORD_CHECKS, *MEMBERSHIP_CHECKS]
BESIDE_A_LOG = [*STATE_CHECKS, *KEEPING_CHECKS, *RECORD_CHECKS, *OUTBOX_CHECKS, *INDEX_CHECKS]


async def expand(schema: str, partitions: int = 8, log: str = "state") -> None:
    """As the first start of the newer release does; a schema that was used before is expanded already."""
    with release(Migration(EXPAND)):
        await prepare(Target(postgres.database(), schema), partitions, log)


class NextHarness(PostgresHarness):
    kind = "next"

    async def _open(self) -> Any:
        await expand(self._schema, self._options["partitions"])
        return await super()._open()


class NextSplitHarness(PostgresSplitHarness):
    kind = "next beside"

    async def _open(self) -> Any:
        await expand(self._schema, self._options["partitions"], "memory")
        return await super()._open()


class NextRegistryHarness(registry.PostgresHarness):
    kind = "next registry"

    async def open(self) -> Any:
        await expand(self._schema)
        return await super().open()


@pytest.mark.parametrize("check", CHECKS, ids=str)
async def test_promise_on_the_postgres_schema_of_the_next_release(check: Check) -> None:
    try:
        await check.run(NextHarness())
    except NotApplicable as reason:
        pytest.skip(str(reason))


@pytest.mark.parametrize("check", SCHEMA_CHECKS, ids=str)
async def test_registry_on_the_postgres_schema_of_the_next_release(check: SchemaCheck) -> None:
    await check.run(NextRegistryHarness())


@pytest.mark.slow
@pytest.mark.parametrize("check", BESIDE_A_LOG, ids=str)
async def test_promise_beside_a_log_on_the_postgres_schema_of_the_next_release(check: Check) -> None:
    await check.run(NextSplitHarness())
