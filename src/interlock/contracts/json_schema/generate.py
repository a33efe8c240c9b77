"""Valid documents of a schema, small and readable, each confirmed by the validator. One seed, one answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from interlock.contracts.json_schema.conjunction import Budget, Conjunction, Part
from interlock.contracts.json_schema.samples import Sampler, fits
from interlock.contracts.json_schema.schema_document import SchemaDocument

STEPS = 20_000
_TURNS = 6


def instances(schema: Any, root: Any, *, seed: int = 0, limit: int) -> Iterator[Any]:
    """At most `limit` different documents; none when none is found, which is no proof that there is none.

    References mean `root`. What the schema offers as `examples`, `default` or `const` comes first.
    """
    document = SchemaDocument(root)
    whole = Conjunction([Part(schema, document)])
    seen: list[Any] = []
    budget = Budget(STEPS)
    try:
        for turn in range(seed, seed + _TURNS):
            for value in Sampler(budget, turn).values(whole, 0, limit):
                if len(seen) >= limit:
                    return
                if repr(value) not in seen and fits(whole, value):
                    seen.append(repr(value))
                    yield value
    except Budget.Spent:
        return
