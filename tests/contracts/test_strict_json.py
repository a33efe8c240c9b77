"""Hostile JSON is refused cleanly, honest JSON comes through unchanged."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.contracts.strict_json import nesting, parse
from interlock.model.problems import CallerProblem, HostileJson, MalformedRequest

DEPTH = 64
HOSTILE = {
    "duplicate": b'{"a":1,"a":2}',
    "duplicate with equal values": b'{"a":1,"a":1}',
    "duplicate deep": b'{"x":[{"y":{"a":1,"b":2,"a":3}}]}',
    "duplicate spelt differently": rb'{"a":1,"\u0061":2}',
    "duplicate spelt differently, deep": rb'[{"x":{"\"":1,"\u0022":2}}]',
    "duplicate beside escapes": rb'{"t":"a\\\"b\\","k":1,"k":2}',
    "duplicate empty name": b'{"":1,"":2}',
    "duplicate object": b'{"a":{"x":1},"a":{"y":2}}',
    "duplicate beyond ASCII": '{"é":1,"\\u00e9":2}'.encode(),
    "NaN": b'{"a":NaN}',
    "Infinity": b"[Infinity]",
    "-Infinity": b"[-Infinity]",
    "lone high surrogate": rb'{"a":"\ud800"}',
    "lone low surrogate": rb'{"a":"\udc00"}',
    "lone surrogate in a name": rb'{"\ud800x":1}',
    "swapped surrogates": rb'"\udc00\ud800"',
    "encoded surrogate": b'"\xed\xa0\x80"',
    "1e400": b"[1e400]",
    "-1e400": b"[-1e400]",
    "30 digits": b'{"n":123456789012345678901234567890}',
    "5000 digits": b'{"n":' + b"7" * 5000 + b"}",
    "one beyond 64 bits": b"[18446744073709551616]",
    "bad UTF-8": b'{"a":"\xff"}',
    "overlong UTF-8": b'{"a":"\xc0\x80"}',
    "bad UTF-8 in a name": b'{"\xff":1}',
    "beyond Unicode": b'"\xf4\x90\x80\x80"',
    "byte order mark": b"\xef\xbb\xbf{}",
    "deep arrays": b"[" * 65 + b"]" * 65,
    "deep objects": b'{"a":' * 65 + b"1" + b"}" * 65,
    "very deep": b"[" * 100_000 + b"]" * 100_000,
    "very deep and open": b"[" * 1_000_000,
}
MALFORMED = {
    "empty": b"",
    "blank": b" \n",
    "NUL": b"\x00",
    "NUL after": b"{}\x00",
    "NUL inside": b'{"a":"b\x00"}',
    "raw tab": b'"\t"',
    "trailing garbage": b"{} x",
    "two documents": b"{}{}",
    "trailing comma": b"[1,]",
    "leading zero": b"[01]",
    "plus": b"[+1]",
    "bare point": b"[1.]",
    "hexadecimal": b"[0x10]",
    "comment": b"// x\n{}",
    "single quotes": b"{'a':1}",
    "bare name": b"{a:1}",
    "number as name": b"{1:2}",
    "bad escape": rb'"\x41"',
    "cut off": b'{"a":"b',
    "cut off word": b"[tru",
    "UTF-16": '{"a":1}'.encode("utf-16-le"),
}
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
    ),
    max_leaves=20,
)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_json_is_refused(name: str) -> None:
    with pytest.raises(HostileJson):
        parse(HOSTILE[name], DEPTH)


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_json_is_refused(name: str) -> None:
    with pytest.raises(CallerProblem) as caught:
        parse(MALFORMED[name], DEPTH)
    assert type(caught.value) in (MalformedRequest, HostileJson)
    assert caught.value.status == 400


def test_what_no_parser_takes_is_malformed_rather_than_hostile() -> None:
    with pytest.raises(MalformedRequest):
        parse(b'{"a" 1}', DEPTH)


def test_a_duplicate_is_named() -> None:
    with pytest.raises(HostileJson) as caught:
        parse(b'{"order":{"total":"1","total":"2"}}', DEPTH)
    assert [entry["pointer"] for entry in caught.value.errors] == ["/total"]


@pytest.mark.parametrize("depth", [1, 2, 63, 64, 200])
def test_the_depth_limit_is_exact(depth: int) -> None:
    raw = b"[" * depth + b'"[{\\"["' + b"]" * depth
    assert nesting(raw) == depth
    parse(raw, depth)
    with pytest.raises(HostileJson, match="deeper"):
        parse(raw, depth - 1)


def test_width_is_not_depth() -> None:
    raw = json.dumps([{"a": [1, {"b": "]"}]}] * 1000).encode()
    assert nesting(raw) == 4
    assert parse(raw, 4) == json.loads(raw)


@given(VALUES)
def test_honest_json_comes_through(value: Any) -> None:
    for raw in (
        json.dumps(value),
        json.dumps(value, ensure_ascii=False, separators=(",", ":")),
        json.dumps(value, indent=1),
    ):
        assert parse(raw.encode(), DEPTH) == value


@given(VALUES)
def test_nesting_agrees_with_a_walk(value: Any) -> None:
    assert nesting(json.dumps(value).encode()) == _depth(value)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), VALUES, min_size=1), VALUES, st.data())
def test_a_planted_duplicate_is_always_refused(members: dict[str, Any], again: Any, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(members)))
    ascii_only = data.draw(st.booleans())
    spelling = data.draw(st.sampled_from([json.dumps(name), json.dumps(name, ensure_ascii=False), _escaped(name)]))
    wrap = data.draw(st.sampled_from(["{}", "[{}]", '{{"outer":{}}}', '[1,{{"x":[{}]}}]']))
    planted = json.dumps(members, ensure_ascii=ascii_only)[:-1] + f",{spelling}:{json.dumps(again)}" + "}"
    with pytest.raises(HostileJson):
        parse(wrap.format(planted).encode(), DEPTH)


@given(st.binary(max_size=200))
def test_any_bytes_give_a_value_or_a_clean_refusal(raw: bytes) -> None:
    try:
        value = parse(raw, DEPTH)
    except (MalformedRequest, HostileJson):
        return
    assert value == json.loads(raw)


def _escaped(name: str) -> str:
    """Every UTF-16 unit as an escape."""
    units = name.encode("utf-16-be")
    return '"' + "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2)) + '"'


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0
