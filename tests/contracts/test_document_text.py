"""JSON and YAML give the same values and say lines; what parsers disagree about is refused with its line."""

from __future__ import annotations

import pytest

from interlock.contracts.document_text import DocumentText, DocumentUnreadable

YAML = b"""openapi: 3.1.0
info:
  title: on
paths:
  /orders:
    get:
      parameters:
        - name: limit
          in: query
      responses:
        200: {description: 2020-01-01}
"""


def test_yaml_is_read_by_the_core_schema_with_text_keys() -> None:
    value = DocumentText(YAML).value
    assert value["info"]["title"] == "on"
    assert value["paths"]["/orders"]["get"]["responses"] == {"200": {"description": "2020-01-01"}}


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("/info/title", 3),
        ("/paths/~1orders/get/parameters/0/in", 9),
        ("/paths/~1orders/get/responses/200/description", 11),
        ("/paths/~1orders/get/security", 6),
    ],
)
def test_every_place_has_its_line_or_its_parents(place: str, line: int) -> None:
    assert DocumentText(YAML).line(place) == line


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (b'{"a": 1,\n "b": }', 2, "no JSON"),
        (b'{"a": 1, "a": 2}', 1, "twice"),
        (b"a: 1\nb: [1\nc: 2", 3, "wrong"),
        (b"a: 1\na: 2", 2, "duplicate"),
        (b"x: &a [*a]", 1, "wrong"),
        (b"a: .inf", 1, "infinity"),
        (b"a: \xff", 1, "UTF-8"),
        (b"? [1]\n: 2", 1, "wrong"),
        (b"[" * 300 + b"]" * 300, 1, "deep"),
    ],
)
def test_hostile_text_is_refused_with_its_line(text: bytes, line: int, said: str) -> None:
    with pytest.raises(DocumentUnreadable) as raised:
        DocumentText(text)
    assert (raised.value.line, said in raised.value.detail) == (line, True), raised.value.detail


def test_an_alias_bomb_is_refused_in_no_time() -> None:
    lines = [b"a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for at in range(1, 30):
        lines.append(b"a%d: &a%d [%s]" % (at, at, b", ".join([b"*a%d" % (at - 1)] * 10)))
    with pytest.raises(DocumentUnreadable):
        DocumentText(b"\n".join(lines))


def test_the_size_is_checked_before_parsing() -> None:
    with pytest.raises(DocumentUnreadable, match="limit is 10"):
        DocumentText(b'"0123456789"', max_bytes=10)


def test_a_quote_may_begin_a_text_or_a_key() -> None:
    yaml = DocumentText(b'"openapi": 3.1.0\n"info":\n  title: Shop\n')
    assert (yaml.is_json, yaml.value["info"], yaml.line("/info/title")) == (False, {"title": "Shop"}, 3)
    assert DocumentText(b'"string"').is_json
    assert DocumentText(b'"string"').value == "string"
