"""Writes the Pact files beside it, in the folder that is given, with the real library: pact-python 4."""

import sys
import urllib.request
from pathlib import Path

from pact import Pact, match

out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("pacts")


def interactions(pact: Pact) -> None:
    (
        pact.upon_receiving("a request for an order")
        .given("order ORD-1 exists")
        .with_request("GET", "/orders/ORD-1")
        .with_header("Accept", "application/json")
        .with_query_parameter("expand", "lines")
        .will_respond_with(200)
        .with_body(
            {
                "id": match.like("ORD-1"),
                "total": match.regex("12.00", regex=r"^\d+\.\d{2}$"),
                "quantity": match.integer(2),
                "placed_at": match.datetime("2026-01-02T03:04:05", "%Y-%m-%dT%H:%M:%S"),
                "lines": match.each_like({"sku": match.like("SKU-1")}, min=1),
            },
            content_type="application/json",
        )
    )
    (
        pact.upon_receiving("a new order")
        .with_request("POST", "/orders")
        .with_body({"sku": "SKU-1", "quantity": 2}, content_type="application/json")
        .will_respond_with(201)
        .with_body({"id": match.like("ORD-2")}, content_type="application/json")
    )


for version in ("V3", "V4"):
    pact = Pact("storefront", "shop").with_specification(version)
    interactions(pact)
    with pact.serve(raises=False) as server:
        request = urllib.request.Request(
            f"{server.url}/orders/ORD-1?expand=lines", headers={"Accept": "application/json"}
        )
        urllib.request.urlopen(request).read()
        request = urllib.request.Request(
            f"{server.url}/orders",
            data=b'{"sku": "SKU-1", "quantity": 2}',
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request).read()
    pact.write_file(out, overwrite=True)
    (out / "storefront-shop.json").rename(out / f"storefront-shop-{version.lower()}.json")
    messages = Pact("ledger", "orders").with_specification(version)
    (
        messages.upon_receiving("an order placed", "Async")
        .given("an order was placed")
        .with_body(
            {"order_id": match.like("ORD-1"), "total": match.regex("12.00", regex=r"^\d+\.\d{2}$")}, "application/json"
        )
    )
    messages.verify(lambda body, metadata: None, "Async")
    messages.write_file(out, overwrite=True)
    (out / "ledger-orders.json").rename(out / f"ledger-orders-{version.lower()}.json")
