"""Matchers, one line each: what they take and what they refuse; then paths, cascades, structures."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.contracts.pact.matching import Unverifiable, mismatches, status_mismatches, text_mismatches
from interlock.contracts.pact.moments import pattern
from interlock.contracts.pact.rules import RuleList, path_tokens, read_rules


def wrong(expected: Any, actual: Any, paths: dict[str, Any] | None = None, **more: Any) -> list[str]:
    """Pointers of the mismatches under rules of the body: path → matchers."""
    raw = {path: {"matchers": found} for path, found in (paths or {}).items()}
    return [one["pointer"] for one in mismatches(expected, actual, read_rules({"body": raw}, "body"), **more)]


@pytest.mark.parametrize(
    ("matcher", "good", "bad"),
    [
        ({"match": "type"}, "other", 1),
        ({"match": "regex", "regex": r"^\d{3}$"}, "123", "1234"),
        ({"match": "regex", "regex": "b+"}, "abba", "aaa"),
        ({"match": "integer"}, 7, 7.5),
        ({"match": "integer"}, -7, True),
        ({"match": "decimal"}, 7.5, 7),
        ({"match": "number"}, 7, "x"),
        ({"match": "include", "value": "ell"}, "hello", "hullo"),
        ({"match": "equality"}, "x", "y"),
        ({"match": "boolean"}, False, "x"),
        ({"match": "null"}, None, 0),
        ({"match": "date", "format": "dd.MM.yyyy"}, "31.12.2026", "2026-12-31"),
        ({"match": "time", "format": "HH:mm"}, "23:59", "24:00"),
        ({"match": "timestamp", "timestamp": "yyyy-MM-dd'T'HH:mm:ssX"}, "2026-01-02T03:04:05Z", "2026-01-02 03:04:05Z"),
        ({"match": "datetime"}, "2026-01-02T03:04:05", "2026-01-02"),
        ({"match": "semver"}, "1.2.3-rc.1", "1.2"),
        ({"match": "notEmpty"}, "a", ""),
        ({"regex": "^a"}, "ab", "ba"),
    ],
)
def test_each_matcher(matcher: dict[str, Any], good: Any, bad: Any) -> None:
    expected = {"equality": "x"}.get(matcher.get("match", ""), good)
    if matcher.get("match") == "type":
        expected = "example"
    assert wrong({"a": expected}, {"a": good}, {"$.a": [matcher]}) == []
    assert wrong({"a": expected}, {"a": bad}, {"$.a": [matcher]}) == ["/a"]


def test_without_matchers_values_are_equal_and_one_is_not_true() -> None:
    assert wrong({"a": 1}, {"a": 1, "b": 2}) == []
    assert wrong({"a": 1}, {"a": True}) == ["/a"]
    assert wrong({"a": 1}, {"b": 1}) == ["/a"]
    assert wrong([1, 2], [1]) == [""]
    assert wrong({"a": 1}, {"a": 1, "b": 2}, lenient=False) == ["/b"]


def test_type_reaches_down_and_a_nearer_rule_wins() -> None:
    rules: dict[str, Any] = {"$": [{"match": "type"}], "$.id": [{"match": "regex", "regex": "^O-"}]}
    assert wrong({"id": "O-1", "n": {"x": 1}}, {"id": "O-9", "n": {"x": 9}}, rules) == []
    assert wrong({"id": "O-1", "n": {"x": 1}}, {"id": "P-9", "n": {"x": "9"}}, rules) == ["/id", "/n/x"]


def test_lists_by_type_take_any_length_within_bounds() -> None:
    rules: dict[str, Any] = {"$.l": [{"match": "type", "min": 2, "max": 3}], "$.l[*].n": [{"match": "integer"}]}
    example = {"l": [{"n": 1}]}
    assert wrong(example, {"l": [{"n": 1}, {"n": 2}]}, rules) == []
    assert wrong(example, {"l": [{"n": 1}]}, rules) == ["/l"]
    assert wrong(example, {"l": [{"n": 1}] * 4}, rules) == ["/l"]
    assert wrong(example, {"l": [{"n": 1}, {"n": "2"}, {}]}, rules) == ["/l/1/n", "/l/2/n"]


def test_min_does_not_reach_into_lists_below() -> None:
    rules: dict[str, Any] = {"$.l": [{"match": "type", "min": 2}]}
    assert wrong({"l": [{"m": [1]}]}, {"l": [{"m": [1]}, {"m": [2]}]}, rules) == []


def test_and_or() -> None:
    both = [{"match": "type"}, {"match": "regex", "regex": "^a"}]
    rules = read_rules({"body": {"$.a": {"combine": "OR", "matchers": [*both, {"match": "null"}]}}}, "body")
    assert mismatches({"a": "x"}, {"a": None}, rules) == []
    assert mismatches({"a": "x"}, {"a": 7}, rules) != []
    assert wrong({"a": "x"}, {"a": "b"}, {"$.a": both}) == ["/a"]


def test_maps_and_lists_with_some() -> None:
    each: dict[str, Any] = {
        "$.m": [
            {"match": "eachKey", "value": "k", "rules": [{"match": "regex", "regex": "^[a-z]$"}]},
            {"match": "eachValue", "value": 1, "rules": [{"match": "integer"}]},
        ]
    }
    assert wrong({"m": {"k": 1}}, {"m": {"a": 5, "b": 6}}, each) == []
    assert wrong({"m": {"k": 1}}, {"m": {"A": 5, "b": "x"}}, each) == ["/m/A", "/m/b"]
    assert (
        wrong(
            {"m": {"k": {"n": 1}}}, {"m": {"z": {"n": 2}}}, {"$.m": [{"match": "values"}], "$.m.*": [{"match": "type"}]}
        )
        == []
    )
    contains: dict[str, Any] = {
        "$.l": [
            {
                "match": "arrayContains",
                "variants": [{"index": 0, "rules": {"$.n": {"matchers": [{"match": "integer"}]}}}],
            }
        ]
    }
    assert wrong({"l": [{"k": "a", "n": 1}]}, {"l": [{"k": "b"}, {"k": "a", "n": 9}]}, contains) == []
    assert wrong({"l": [{"k": "a", "n": 1}]}, {"l": [{"k": "a", "n": "9"}]}, contains) == ["/l"]


def test_status_classes_and_texts() -> None:
    rules = read_rules({"status": {"matchers": [{"match": "statusCode", "status": "success"}]}}, "status")
    assert status_mismatches(200, 204, rules) == []
    assert status_mismatches(200, 404, rules) != []
    listed = read_rules({"status": {"matchers": [{"match": "statusCode", "status": [200, 404]}]}}, "status")
    assert status_mismatches(200, 404, listed) == []
    assert status_mismatches(200, 201, read_rules({}, "status")) != []
    assert text_mismatches("1", "2", RuleList(({"match": "integer"},))) == []
    assert text_mismatches("1", "2", None) != []


@pytest.mark.parametrize(
    "matcher", [{"match": "protobuf"}, {"match": "contentType", "value": "x"}, {"match": "regex", "regex": "(?<=a)b"}]
)
def test_what_is_not_known_is_never_passed_over(matcher: dict[str, Any]) -> None:
    with pytest.raises(Unverifiable):
        wrong({"a": "x"}, {"a": "x"}, {"$.a": [matcher]})


def test_paths() -> None:
    assert path_tokens("$.a[0]['b c'].*[*].d-e") == ("a", "0", "b c", "*", "*", "d-e")
    for text in ("a", "$.a[", "$a", "$.."):
        with pytest.raises(ValueError, match="no path"):
            path_tokens(text)


def test_version_2_rules() -> None:
    raw = {"$.body.a[*].b": {"match": "type"}, "$.headers.X-Id": {"match": "regex", "regex": "^i"}}
    assert mismatches({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, read_rules(raw, "body")) == []
    assert read_rules(raw, "header").at(("x-id",)) is not None


def test_patterns_of_moments() -> None:
    with pytest.raises(ValueError, match="no letter"):
        pattern("yyyy-QQ")
