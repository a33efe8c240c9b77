"""The flows of the templates do what they say, on an engine with simulated time and a scripted other side."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest

from interlock.estate.loader import load
from interlock.flows.limits import FlowLimits
from interlock.model.handling import HandlingState
from interlock.model.problems import TargetUnavailable
from interlock.ports.http_client import HttpAnswer
from interlock.testing.simulation import Simulation

from .conftest import Shop

Answers = Callable[[str, dict[str, Any]], Any]


class OtherSide:
    """An HttpClient. `answers` gets URL and body; what it returns is sent as JSON, an int is a status."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self.requests: list[tuple[str, dict[str, Any], str]] = []
        self.headers: list[Mapping[str, str]] = []

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> HttpAnswer:
        asked = json.loads(body)
        self.requests.append((f"{method} {url}", asked, headers["idempotency-key"]))
        self.headers.append(headers)
        answer = self._answers(url, asked)
        if isinstance(answer, int):
            return HttpAnswer(answer, {}, b"{}")
        return HttpAnswer(200, {"content-type": "application/json"}, json.dumps(answer).encode())

    async def close(self) -> None:
        return None


class Run:
    """A simulation of the shop's estate, and the events in its log."""

    def __init__(self, shop: Shop, answers: Answers, *replies: str, **signing: str) -> None:
        self.simulation = Simulation(
            load(shop.root), 1, replies=frozenset(replies), signing=signing, limits=FlowLimits(tend_seconds=3600)
        )
        self.other = OtherSide(answers)
        self.simulation.target = self.other  # type: ignore[assignment]

    async def __aenter__(self) -> Run:
        await self.simulation.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.simulation.finish()
        await self.simulation.stop()

    async def say(self, contract: str, *facts: dict[str, Any]) -> None:
        key = self.simulation.estate.latest[contract].partition_key[1:]
        for fact in facts:
            await self.simulation.place(contract, [(fact[key], msgspec.json.encode(fact))])
            await self.simulation.finish()

    def facts(self, contract: str) -> list[dict[str, Any]]:
        rows = sorted((row for rows in self.simulation.store.tables.log for row in rows), key=lambda row: row.position)
        return [json.loads(row.event.body) for row in rows if row.event.type == contract]

    @property
    def dead(self) -> list[str | None]:
        return [row.error for row in self.simulation.store.tables.held.values() if row.state is HandlingState.DEAD]


def record(number: int) -> dict[str, Any]:
    return {"record_id": f"R-{number}", "changed_at": "2026-01-05T01:12:40Z", "values": {"name": f"No. {number}"}}


def pages(url: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Five records, two to a page; the mark is the number of the last."""
    after = int(asked["after"] or 0)
    last = min(after + 2, 5)
    return {"records": [record(n) for n in range(after + 1, last + 1)], "next": str(last), "more": last < 5}


async def test_nightly_sync_takes_every_page_once_and_goes_on_where_it_was(shop: Shop) -> None:
    shop.new("flow", "catalogue", "--template", "nightly-sync")
    async with Run(shop, pages, "catalogue-source.changes") as run:
        await run.simulation.run(86_400)
        await run.simulation.finish()
        assert [fact["record_id"] for fact in run.facts("catalogue.RecordChanged")] == [f"R-{n}" for n in range(1, 6)]
        assert [asked["after"] for _, asked, _ in run.other.requests] == ["", "2", "4"]
        await run.simulation.run(86_400)
        await run.simulation.finish()
        assert [asked["after"] for _, asked, _ in run.other.requests] == ["", "2", "4", "5"]
        assert len(run.facts("catalogue.RecordChanged")) == 5


async def test_nightly_sync_survives_lost_answers_and_tells_nothing_twice(shop: Shop) -> None:
    shop.new("flow", "catalogue", "--template", "nightly-sync")
    lost: set[str] = set()

    def losing(url: str, asked: dict[str, Any]) -> Any:
        if asked["after"] not in lost:
            lost.add(asked["after"])
            raise TargetUnavailable("the answer was lost")
        return pages(url, asked)

    async with Run(shop, losing, "catalogue-source.changes") as run:
        await run.simulation.run(86_400)
        await run.simulation.finish()
        assert [fact["record_id"] for fact in run.facts("catalogue.RecordChanged")] == [f"R-{n}" for n in range(1, 6)]
        keys = [key for _, asked, key in run.other.requests if asked["after"] == "2"]
        assert len(keys) == 2
        assert len(set(keys)) == 1


async def test_nightly_sync_does_not_go_round_in_circles(shop: Shop) -> None:
    shop.new("flow", "catalogue", "--template", "nightly-sync")

    def circling(url: str, asked: dict[str, Any]) -> Any:
        return {"records": [], "next": asked["after"], "more": True}

    async with Run(shop, circling, "catalogue-source.changes") as run:
        await run.simulation.run(86_400)
        await run.simulation.finish()
        assert len(run.other.requests) == 1
        assert run.dead == ["mark_stands_still"]


def contact(revision: int, email: str = "ada@example.com") -> dict[str, Any]:
    return {"contact_id": "C-7", "revision": revision, "email": email}


async def test_upsert_contacts_sends_what_changed_and_never_goes_back(shop: Shop) -> None:
    shop.new("flow", "contacts", "--template", "upsert-contacts")

    def taken(url: str, asked: dict[str, Any]) -> Any:
        return {"id": f"over-there-{asked['external_id']}"}

    async with Run(shop, taken, "contacts-target.upsert") as run:
        await run.say(
            "contacts.ContactChanged",
            contact(1), contact(3, "ada@new.example"), contact(2, "ada@old.example"), contact(4, "ada@new.example"),
        )  # fmt: skip
        sent = [(asked["revision"], asked["email"]) for _, asked, _ in run.other.requests]
        assert sent == [(1, "ada@example.com"), (3, "ada@new.example")]
        assert {place for place, _, _ in run.other.requests} == {"PUT http://127.0.0.1:9000/contacts"}
        assert run.facts("contacts.ContactLinked") == [
            {"contact_id": "C-7", "target_id": "over-there-C-7", "revision": revision} for revision in (1, 3)
        ]


async def test_upsert_contacts_sets_a_refused_contact_aside(shop: Shop) -> None:
    shop.new("flow", "contacts", "--template", "upsert-contacts")
    async with Run(shop, lambda url, asked: 422, "contacts-target.upsert") as run:
        await run.say("contacts.ContactChanged", contact(1))
        assert run.dead == ["contact_refused"]


def payment(number: int, amount: str = "10.00", currency: str = "GBP") -> dict[str, Any]:
    return {"payment_id": f"pay_{number}", "order_id": f"ORD-{number}", "currency": currency, "amount": amount}


def payout(name: str, *numbers: int, total: str | None = None) -> dict[str, Any]:
    lines = [{"payment_id": f"pay_{number}", "amount": "10.00", "fee": "0.50"} for number in numbers]
    return {"payout_id": name, "currency": "GBP", "total": total or f"{9.5 * len(numbers):.2f}", "lines": lines}


CASES: dict[str, tuple[list[dict[str, Any]], dict[str, Any], list[str]]] = {
    "agrees": ([payment(1), payment(2)], payout("po_1", 1, 2), []),
    "amount": ([payment(1, "11.00")], payout("po_1", 1), ["amount_differs"]),
    "currency": ([payment(1, currency="EUR")], payout("po_1", 1), ["currency_differs"]),
    "total": ([payment(1)], payout("po_1", 1, total="9.49"), ["total_differs"]),
    "twice": ([payment(1)], payout("po_1", 1, 1), ["paid_twice"]),
}


@pytest.mark.parametrize("order", ["payments first", "payout first"])
@pytest.mark.parametrize("case", CASES)
async def test_reconcile_payouts_names_each_break_whatever_comes_first(shop: Shop, case: str, order: str) -> None:
    shop.new("flow", "payouts", "--template", "reconcile-payouts")
    payments, claimed, causes = CASES[case]
    async with Run(shop, lambda url, asked: 500) as run:
        if order == "payout first":
            await run.say("payouts.PayoutReceived", claimed)
        await run.say("payouts.PaymentCaptured", *payments)
        if order == "payments first":
            await run.say("payouts.PayoutReceived", claimed)
        breaks = [one["cause"] for fact in run.facts("payouts.PayoutBroken") for one in fact["breaks"]]
        assert breaks == causes
        assert len(run.facts("payouts.PayoutReconciled")) == (not causes)
        await run.simulation.run(3 * 86_400)  # and nothing waits that could be told again
        await run.simulation.finish()
        assert len(run.facts("payouts.PayoutBroken")) == bool(causes)


async def test_reconcile_payouts_tells_what_never_came_and_what_was_paid_before(shop: Shop) -> None:
    shop.new("flow", "payouts", "--template", "reconcile-payouts")
    async with Run(shop, lambda url, asked: 500) as run:
        await run.say("payouts.PaymentCaptured", payment(1))
        await run.say("payouts.PayoutReceived", payout("po_1", 1), payout("po_2", 1), payout("po_3", 9))
        assert [fact["payout_id"] for fact in run.facts("payouts.PayoutReconciled")] == ["po_1"]
        assert [(f["payout_id"], f["breaks"][0]["cause"]) for f in run.facts("payouts.PayoutBroken")] == [
            ("po_2", "paid_twice")
        ]
        await run.simulation.run(3 * 86_400)
        await run.simulation.finish()
        told = run.facts("payouts.PayoutBroken")[1:]
        assert [(fact["payout_id"], fact["breaks"][0]["cause"]) for fact in told] == [("po_3", "payment_unknown")]


async def test_outbound_webhooks_are_signed_and_carry_the_event(shop: Shop) -> None:
    shop.new("webhook", "partner", "--template", "outbound")
    example = json.loads((shop.root / "examples/order-placed.json").read_text())
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    async with Run(shop, lambda url, asked: {}, "partner.deliver", partner=secret) as run:
        await run.say(example["type"], example["data"])
        [(place, asked, _)] = run.other.requests
        assert place == "POST http://127.0.0.1:9000/webhooks"
        assert (asked["type"], asked["data"]) == ("orders.OrderPlaced", example["data"])
        assert run.other.headers[0]["webhook-signature"].startswith("v1,")
        assert run.dead == []


async def test_outbound_webhooks_that_are_refused_are_seen(shop: Shop) -> None:
    shop.new("webhook", "partner", "--template", "outbound")
    example = json.loads((shop.root / "examples/order-placed.json").read_text())
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    async with Run(shop, lambda url, asked: 403, "partner.deliver", partner=secret) as run:
        await run.say(example["type"], example["data"])
        assert run.dead == ["subscriber_refused"]
