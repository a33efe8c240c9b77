"""Bombs, circles and depth: bounded in time, with a finding or a refusal."""

from __future__ import annotations

import gc
import json
import time
from typing import Any

import pytest

from .conftest import Desk


def api(schemas: dict[str, Any]) -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {"title": "Shop", "version": "1.0.0"},
        "paths": {},
        "components": {"schemas": schemas},
    }


def doubling(keyword: str, example: Any) -> dict[str, Any]:
    """Each schema holds the next one twice: a million of millions at the end."""
    schemas: dict[str, Any] = {
        f"S{index}": {keyword: [{"$ref": f"#/components/schemas/S{index + 1}"}] * 2} for index in range(40)
    }
    return {**schemas, "S40": {"type": "string"}, "Top": {"$ref": "#/components/schemas/S0", "example": example}}


@pytest.mark.parametrize("keyword", ["allOf", "anyOf", "oneOf"])
def test_schemas_that_multiply_are_told(keyword: str, desk: Desk) -> None:
    desk.put("a.json", api(doubling(keyword, "x")))
    begun = time.process_time()
    assert ("EXAMPLE_UNCHECKED", "/components/schemas/Top/example") in desk.found("a.json")
    assert time.process_time() - begun < 20


def test_references_in_circles(desk: Desk) -> None:
    ref = "#/components/schemas/"
    schemas = {
        "A": {"$ref": f"{ref}B"},
        "B": {"$ref": f"{ref}A"},
        "Tree": {
            "type": "object",
            "properties": {"child": {"$ref": f"{ref}Tree"}},
            "example": {"child": {"child": {}}},
        },
        "Both": {"allOf": [{"$ref": f"{ref}Both"}], "example": 1},
    }
    desk.put("a.json", api(schemas))
    found = desk.found("a.json")
    assert {path for rule, path in found if rule == "REFERENCE_CIRCULAR"} == {
        "/components/schemas/A/$ref",
        "/components/schemas/B/$ref",
    }
    assert "EXAMPLE_INVALID" not in {rule for rule, _ in found}


def test_an_example_of_a_recursive_schema_is_held_to_it_at_any_depth(desk: Desk) -> None:
    tree = {
        "type": "object",
        "properties": {"child": {"$ref": "#/components/schemas/Tree"}, "size": {"type": "integer"}},
        "example": {"child": {"child": {"child": {"size": "big"}}}},
    }
    desk.put("a.json", api({"Tree": tree}))
    assert ("EXAMPLE_INVALID", "/components/schemas/Tree/example/child/child/child/size") in desk.found("a.json")


def test_depth_is_refused_with_its_line(desk: Desk) -> None:
    desk.put("deep.json", '{"openapi": "3.1.0", "x-deep": ' + "[" * 5000 + "]" * 5000 + "}")
    code, _, err = desk.run("deep.json")
    assert code == 2
    assert "deep.json:1  The JSON nests too deep." in err
    deep: Any = {"type": "string"}
    for _ in range(100):
        deep = {"type": "object", "properties": {"a": deep}}
    desk.put("a.json", api({"Deep": deep}))
    assert "FIELD_UNCLASSIFIED" in {rule for rule, _ in desk.found("a.json")}


def test_a_yaml_bomb_is_refused(desk: Desk) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{index}: &a{index} [{', '.join([f'*a{index - 1}'] * 9)}]" for index in range(1, 12)]
    desk.put("bomb.yaml", "openapi: 3.1.0\n" + "\n".join(lines) + "\n")
    begun = time.process_time()
    assert desk.run("bomb.yaml")[0] == 2
    assert time.process_time() - begun < 20


@pytest.mark.parametrize("pattern", ["(a+)+$", "(?=a)b", "([a-z]+)*\\1$"])
def test_patterns_that_explode_end(pattern: str, desk: Desk) -> None:
    field = {"type": "string", "pattern": pattern, "example": "a" * 60 + "!"}
    desk.put("a.json", api({"A": field}))
    begun = time.process_time()
    desk.found("a.json")
    assert time.process_time() - begun < 20


def test_time_grows_with_size_and_not_with_its_square(desk: Desk) -> None:
    def seconds(count: int) -> float:
        ref = [{"$ref": f"#/components/schemas/S{(index * 7 + 1) % count}"} for index in range(count)]
        fields = [{f"f{field}": ref[(index + field) % count] for field in range(10)} for index in range(count)]
        schemas = {f"S{index}": {"properties": fields[index], "example": {"f1": {"f2": {}}}} for index in range(count)}
        desk.put("a.json", json.dumps(api(schemas)))
        return min(linted() for _ in range(3))

    def linted() -> float:
        begun = time.process_time()
        desk.document("a.json")
        return time.process_time() - begun

    seconds(10)
    gc.freeze()  # what thousands of other tests left is no part of this question
    try:
        small, large = seconds(150), seconds(1200)
    finally:
        gc.unfreeze()
    assert large < 16 * max(small, 0.05), (small, large)


def test_what_could_not_be_read_does_not_pass(desk: Desk) -> None:
    desk.put("a.json", "{")
    assert desk.document("a.json")["verdict"] == "fail"
    desk.put("a.avsc", {"type": "record", "name": "A", "fields": []})
    assert "a.avsc:1  This is an Avro schema" in desk.run("a.avsc")[2]
    code, out, err = desk.run("a.json", "--waivers", "none.toml")
    assert (code, out) == (2, "")
    assert err.startswith("none.toml  It cannot be read: No such file or directory.\n")
    (desk.root / "empty").mkdir()
    assert desk.run("empty")[0] == 2
