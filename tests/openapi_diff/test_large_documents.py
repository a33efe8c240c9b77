"""Generated documents as large as real ones: order says nothing, 3.0 and 3.1 say the same, shared schemas cost once."""

from __future__ import annotations

import copy
import time
from typing import Any

import pytest

from bench.api_documents import changed_at_one_end, changed_everywhere, document, reordered
from interlock.contracts.diff import compare
from interlock.contracts.openapi.api_document import ApiDocument
from interlock.contracts.openapi.schema_comparison import SchemaComparison
from interlock.contracts.openapi.schema_node import Node, Side
from interlock.contracts.openapi.twins import Twins
from interlock.contracts.pointer import ABSENT, find, split

SIZE = 300_000


def _in_31(value: Any) -> Any:
    """The same in the words of 3.1."""
    if isinstance(value, list):
        return [_in_31(one) for one in value]
    if not isinstance(value, dict):
        return value
    made = {name: _in_31(one) for name, one in value.items() if name != "nullable"}
    return {**made, "type": [value["type"], "null"]} if value.get("nullable") else made


@pytest.mark.parametrize("shape", ["forest", "graph"])
def test_order_and_version_say_nothing(shape: Any) -> None:
    old = document(SIZE, shape)
    assert compare(old, reordered(old)).findings == ()
    new = {**_in_31(old), "openapi": "3.1.0"}
    assert [one.rule for one in compare(old, new).findings] == []


@pytest.mark.parametrize("shape", ["forest", "graph"])
def test_each_change_is_found_where_it_is_and_back(shape: Any) -> None:
    old = document(SIZE, shape)
    new = changed_everywhere(old)
    findings = compare(old, new).findings
    assert len({(one.rule, one.path) for one in findings}) == len(findings)
    for one in findings:
        assert find(new, split(one.path)) is not ABSENT or find(old, split(one.path)) is not ABSENT
    places = [f"/components/schemas/{name}/properties/status/enum" for name in old["components"]["schemas"]]
    used = [place for place in places if place.split("/")[3] in str(old["paths"]) or shape == "graph"]
    assert set(used) <= {one.path for one in findings if one.rule == "response-enum-value-added"}
    assert set(used) <= {one.path for one in compare(new, old).findings if one.rule == "request-enum-value-removed"}


def test_a_pair_of_schemas_is_compared_once_for_each_side(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[Any, Any, Any]] = []
    steps = SchemaComparison._steps

    def counted(self: SchemaComparison, old: Node, new: Node) -> Any:
        seen.append((self.side, old.key, new.key))
        return steps(self, old, new)

    monkeypatch.setattr(SchemaComparison, "_steps", counted)
    old = document(SIZE, "graph")
    compare(old, changed_everywhere(old))
    assert len(seen) == len(set(seen)) > 500


def test_one_change_in_a_graph_is_told_once() -> None:
    old = document(SIZE, "graph")
    new = changed_at_one_end(old)
    refusals = {one.path for one in compare(old, new).findings if one.severity == "ERR"}
    assert refusals
    assert {path.split("/")[3] for path in refusals} == {"Thing0"}
    twins = Twins(ApiDocument(old), ApiDocument(copy.deepcopy(old)))
    assert twins.same(old["paths"], old["paths"])


def test_a_megabyte_that_changed_everywhere_takes_seconds() -> None:
    old = document(1_000_000, "graph")
    new = changed_everywhere(old)
    begun = time.process_time()
    compare(old, new)
    assert time.process_time() - begun < 6


def test_the_side_of_a_callback_is_the_other_one() -> None:
    assert Side("request").hidden == "readOnly"
    assert Side("response").hidden == "writeOnly"
