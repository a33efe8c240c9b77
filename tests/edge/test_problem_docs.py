"""docs/reference/problems.md: complete, up to date, and each example true."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from interlock.edge.limits import EdgeLimits
from interlock.edge.problem_docs import ELSEWHERE, EXAMPLES, INVOICE, KEY, message, page
from interlock.model.problems import BusinessConflict, Problem, Rejected, StorageUnavailable, every_problem
from tests.edge.shop import Shop
from tests.edge.wire import Peer

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "problems.md"
KINDS = {kind.code: kind for kind in every_problem()}
BRANCHES = {"problem", *(branch.code for branch in Problem.__subclasses__())}


def test_the_page_is_what_the_tables_say() -> None:
    assert PAGE.read_text() == page(), "run: python -m interlock.edge.problem_docs docs/reference"


def test_every_problem_has_an_example_or_a_reason_for_none() -> None:
    assert set(KINDS) - BRANCHES <= set(EXAMPLES) | set(ELSEWHERE)
    assert set(EXAMPLES) | set(ELSEWHERE) <= set(KINDS)
    assert not set(EXAMPLES) & set(ELSEWHERE)


@pytest.mark.parametrize("code", EXAMPLES)
async def test_an_example_is_answered_as_the_page_says(code: str) -> None:
    async with arranged(code) as shop:
        peer = await shop.peer()
        reply = await peer.ask(message(EXAMPLES[code]))
        assert reply.status == KINDS[code].status
        document = reply.problem(code)
        assert document["title"] == KINDS[code].title
        assert ("retry-after" in reply.headers) is (reply.status in (409, 429, 503) and KINDS[code].retryable)


@asynccontextmanager
async def arranged(code: str) -> AsyncIterator[Shop]:
    """A running edge in which what the example's `when` says is the case."""
    async with Shop(LIMITS.get(code)) as shop:
        await ARRANGE.get(code, nothing)(shop)
        yield shop


LIMITS = {
    "header_limit": EdgeLimits(headers=5),
    "request_timeout": EdgeLimits(request_seconds=0.1),
    "too_many_requests": EdgeLimits(concurrent_requests=0),
    "storage_full": EdgeLimits(min_free_disk_bytes=1 << 63),
}


async def nothing(shop: Shop) -> None: ...


def handler_raising(problem: Exception) -> Callable[[Shop], Any]:
    async def arrange(shop: Shop) -> None:
        async def handler(operation: str, body: Any) -> tuple[int, Any]:
            raise problem

        shop.engine.handler = handler

    return arrange


async def first_request(shop: Shop) -> Peer:
    peer = await shop.peer()
    await peer.send(
        message(EXAMPLES["idempotency_key_missing"]._replace(headers=("content-type: application/json", KEY)))
    )
    return peer


async def used_key(shop: Shop) -> None:
    assert json.loads(INVOICE) == {"number": "R-1"}
    assert (await (await first_request(shop)).reply()).status == 201


async def running_key(shop: Shop) -> None:
    async def handler(operation: str, body: Any) -> tuple[int, Any]:
        await asyncio.sleep(60)
        return 200, None

    shop.engine.handler = handler
    await first_request(shop)
    async with asyncio.timeout(5):
        while not shop.engine.calls:  # noqa: ASYNC110 - a plain value
            await asyncio.sleep(0.005)


async def starting(shop: Shop) -> None:
    shop.not_ready = "The engine is starting."


async def draining(shop: Shop) -> None:
    shop.edge.admission.draining = True


async def silent_store(shop: Shop) -> None:
    shop.log.problem = StorageUnavailable("The store did not answer.")


ARRANGE: dict[str, Callable[[Shop], Any]] = {
    "idempotency_key_reused": used_key,
    "idempotency_key_in_flight": running_key,
    "rejected": handler_raising(Rejected("closed", "The books are closed.")),
    "business_conflict": handler_raising(BusinessConflict("It was sold.")),
    "unexpected": handler_raising(KeyError("defect")),
    "unavailable": starting,
    "draining": draining,
    "storage_unavailable": silent_store,
}
