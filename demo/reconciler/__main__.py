"""`python -m demo.reconciler --orders CSV --books FOLDER --stock stock.json [--dead-letters dlq.json]`.

Prints every difference by kind; exit 0 when the books agree, 1 when they do not, 2 when something is unreadable.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from demo.reconciler.books import Books, read_books
from demo.reconciler.expected import Expected, expect
from demo.reconciler.verdict import Verdict, compare, compare_details, compare_refusals

SHOWN = 10


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="demo.reconciler", description=__doc__)
    parser.add_argument("--orders", type=Path, required=True, help="the CSV, or a folder of them")
    parser.add_argument("--books", type=Path, required=True, help="folder with the books of the three systems")
    parser.add_argument("--stock", type=Path, required=True, help="opening stock: JSON object of SKU to units")
    parser.add_argument("--dead-letters", type=Path, help="output of: interlock dlq list --json")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def reconcile(orders: Path, books: Path, stock: Path, dead_letters: Path | None) -> tuple[Expected, Books, Verdict]:
    expected, found = expect(orders), read_books(books)
    verdict = compare(expected, found, json.loads(stock.read_text()))
    if dead_letters is not None:
        letters = json.loads(dead_letters.read_text())
        judge_letters(verdict, expected, letters)
    return expected, found, verdict


def judge_letters(verdict: Verdict, expected: Expected, letters: list[dict[str, Any]]) -> None:
    """Each letter has `reason` and `detail`, as `interlock dlq list --json` prints them."""
    compare_refusals(verdict, expected, Counter(letter["reason"] for letter in letters))
    compare_details(verdict, expected, {(letter["reason"], letter["detail"] or "") for letter in letters})


def examples(expected: Expected, books: Books) -> list[str]:
    """Orders worth telling: shipped, then refunded without any row refused; the shortest first."""
    refused = {invoice for invoice, _ in expected.refusals}
    clean = [order for order in expected.orders.values() if not refused & {order.number, *order.refunds}]
    refunded = [order for order in clean if books.of("credit", order.number)]
    return [order.number for order in sorted(refunded, key=lambda order: len(order.items))]


def summary(expected: Expected, books: Books, verdict: Verdict) -> dict[str, Any]:
    """Amounts in pennies."""
    kinds: dict[str, list[str]] = {}
    for kind, text in verdict.differences:
        kinds.setdefault(kind, []).append(text)
    return {
        "agrees": verdict.agrees,
        "rows": expected.rows,
        "invoices": expected.invoices,
        "orders": len(expected.orders),
        "fates": dict(verdict.fates),
        "cancellations": len(expected.cancelled),
        "duplicate_rows": expected.duplicates,
        "refused_rows": dict(expected.rows_by_reason()),
        "refusals": dict(expected.by_reason()),
        "pennies": {kind: books.total(kind) for kind in ("charge", "refund", "invoice", "credit")},
        "examples": examples(expected, books)[:5],
        "incidents": dict(books.counts),
        "differences": kinds,
    }


def main() -> int:
    arguments = parse()
    try:
        result = summary(*reconcile(arguments.orders, arguments.books, arguments.stock, arguments.dead_letters))
    except (OSError, ValueError, KeyError) as unreadable:
        print(f"cannot reconcile: {unreadable!r}", file=sys.stderr)
        return 2
    if arguments.json:
        print(json.dumps(result, indent=2))
    else:
        tell(result)
    return 0 if result["agrees"] else 1


def tell(result: dict[str, Any]) -> None:
    print(f"{result['rows']} rows, {result['invoices']} invoices, {result['orders']} orders: {result['fates']}")
    for kind, texts in result["differences"].items():
        print(f"{kind}: {len(texts)}")
        for text in texts[:SHOWN]:
            print(f"   {text}")
    print("the books agree" if result["agrees"] else "the books do NOT agree")


if __name__ == "__main__":
    sys.exit(main())
