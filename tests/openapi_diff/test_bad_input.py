"""What cannot be compared says where and why; what is only odd is read as it is meant; nothing takes for ever."""

from __future__ import annotations

import json
import time
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest

from interlock.cli.main import main
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.diff import compare

from .documents import DONE, document, operation, query, ref, request, response

S = {"type": "string"}
REFUSED = {
    "Swagger 2.0": ({"swagger": "2.0", "info": {}, "paths": {}}, "/openapi", "Swagger 2.0"),
    "another version": ({"openapi": "4.0.0"}, "/openapi", "found: 4.0.0"),
    "a dangling reference": (
        request(ref("Nobody")),
        "/paths/~1a/post/requestBody/content/application~1json/schema",
        "#/components/schemas/Nobody points at nothing.",
    ),
    "a dangling reference that nobody uses": (
        document({}, components={"schemas": {"A": ref("B")}}),
        "/components/schemas/A",
        "points at nothing",
    ),
    "a remote reference": (
        request({"$ref": "https://example.com/a.json"}),
        "/paths/~1a/post/requestBody/content/application~1json/schema",
        "never fetched",
    ),
    "a reference to a file": (
        request({"$ref": "common.yaml#/A"}),
        "/paths/~1a/post/requestBody/content/application~1json/schema",
        "never fetched",
    ),
    "a circle of references": (request(ref("A"), A=ref("B"), B=ref("A")), "/components/schemas/B", "refers to itself"),
    "a circle by allOf": (
        request(ref("A"), A={"allOf": [ref("B")]}, B={"allOf": [ref("A")]}),
        "/components/schemas/A",
        "by allOf and to nothing else",
    ),
    "a schema that is a text": (
        request("string"),
        "/paths/~1a/post/requestBody/content/application~1json/schema",
        "object or a boolean",
    ),
    "a parameter without a name": (
        operation({"parameters": [{"in": "query"}]}),
        "/paths/~1a/post/parameters/0",
        "name and in",
    ),
    "paths that are a list": ({"openapi": "3.0.3", "paths": ["/a"]}, "/paths", "no object"),
}


@pytest.mark.parametrize(("broken", "place", "said"), REFUSED.values(), ids=REFUSED)
def test_refused_with_the_place(broken: Any, place: str, said: str) -> None:
    whole = request(S)
    for old, new in ((whole, broken), (broken, whole)):
        with pytest.raises(ContractInvalid) as caught:
            compare(old, new, kind="openapi")
        assert caught.value.pointer == place
        assert said in caught.value.detail


ODD = {
    "numbers as keys": {**operation({}), "paths": {"/a": {"post": {"responses": {200: {"description": "Done."}}}}}},
    "a date": operation({"x-since": date(2026, 1, 31), "responses": {"200": {"description": date(2026, 1, 31)}}}),
    "no sections": {"openapi": "3.1.0"},
    "empty sections": {"openapi": "3.0.0", "info": None, "paths": None, "components": None},
    "extensions among paths and answers": {
        **document({"/a": {"get": DONE}, "x-paths": 1}),
        "x-a": {"$ref": "#/nowhere"},
    },
    "a reference within an example": request({"type": "object", "example": {"$ref": "#/nowhere"}}),
    "a property called $ref": request({"type": "object", "properties": {"$ref": {"type": "string"}}}),
    "properties called example and default": request({"type": "object", "properties": {"example": S, "default": S}}),
    "a pattern that is none": request({"type": "string", "pattern": "(("}),
    "a pattern with look-ahead": request({"type": "string", "pattern": "^(?=a)"}),
    "an unknown format and type": request({"type": "thing", "format": "shiny"}),
    "required as a flag": request({"type": "object", "required": True, "properties": {"a": S}}),
    "a null schema": request({"type": "object", "properties": {"a": None}}),
    "a huge number": query({"type": "integer", "maximum": 10**30}),
    "null among types": response({"type": ["string", None]}, "3.1.0"),
    "a discriminator to nowhere": response(
        {"type": "object", "discriminator": {"propertyName": "a", "mapping": {"b": "C"}}}
    ),
    "security that is odd": {**operation({"security": [{"nobody": None}]}), "security": {}},
    "a variant that names its base": request(
        ref("P"), P={"oneOf": [ref("C")]}, C={"allOf": [ref("P"), {"type": "object"}]}
    ),
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_odd_documents_are_read(odd: Any) -> None:
    assert compare(odd, odd, kind="openapi").findings == ()
    whole = request(S)
    compare(whole, odd, kind="openapi")
    compare(odd, whole, kind="openapi")


def _chain(length: int, **end: Any) -> dict[str, Any]:
    """Components in a row, each an array of the next."""
    parts = {f"C{at}": {"type": "array", "items": ref(f"C{at + 1}")} for at in range(length)}
    return request(ref("C0"), **parts, **{f"C{length}": {"type": "string", **end}})


def _exponential(width: str) -> dict[str, Any]:
    """By allOf (or oneOf) of two each: 2^60 parts for who copies."""
    parts: dict[str, Any] = {f"E{at}": {width: [ref(f"E{at + 1}"), ref(f"E{at + 1}")]} for at in range(60)}
    return request(ref("E0"), **parts, E60={"type": "object", "properties": {"a": S}})


def _last(made: dict[str, Any], name: str, schema: Any) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(made))
    copy["components"]["schemas"][name] = schema
    return copy


BOMBS = {
    "a chain of 5000": (_chain(5000), _chain(5000, maxLength=3), "breaking"),
    "exponential allOf": (_exponential("allOf"), _last(_exponential("allOf"), "E60", {"type": "object"}), "compatible"),
    "exponential oneOf": (_exponential("oneOf"), _last(_exponential("oneOf"), "E60", {"type": "string"}), "breaking"),
    "huge enums": (request({"enum": list(range(50_000))}), request({"enum": list(range(1, 50_001))}), "breaking"),
    "a catastrophic pattern": (
        request({"type": "string", "pattern": "^(a+)+$"}),
        request({"type": "string", "pattern": "^(a|aa|b)+$"}),
        "compatible",
    ),
    "many alternatives": (
        request({"oneOf": [{"type": "object", "properties": {f"p{at}": S}} for at in range(150)]}),
        request({"oneOf": [{"type": "object", "properties": {f"q{at}": S}} for at in range(150)]}),
        "breaking",
    ),
    "choices beside choices": (
        request({"allOf": [{"oneOf": [{"required": [f"a{at}"]}, {"required": [f"b{at}"]}]} for at in range(12)]}),
        request({"allOf": [{"oneOf": [{"required": [f"a{at}"]}, {"required": [f"c{at}"]}]} for at in range(12)]}),
        "breaking",
    ),
}


def test_a_chain_of_choices_is_walked_to_its_end() -> None:
    parts: dict[str, Any] = {
        f"C{at}": {"oneOf": [ref(f"C{at + 1}"), {"type": "integer", "maximum": at}]} for at in range(1500)
    }
    old, new = (request(ref("C0"), **parts, C1500={"type": "string", "maxLength": size}) for size in (5, 3))
    [finding] = compare(old, new).findings
    assert (finding.rule, finding.path) == ("request-max-length-lowered", "/components/schemas/C1500/maxLength")


def test_a_chain_of_all_of_that_is_too_long_is_refused() -> None:
    parts: dict[str, Any] = {f"C{at}": {"allOf": [ref(f"C{at + 1}")]} for at in range(1500)}
    old, new = (request(ref("C0"), **parts, C1500={"type": "string", "maxLength": size}) for size in (5, 3))
    with pytest.raises(ContractInvalid, match="allOf more than 200 levels deep"):
        compare(old, new)


@pytest.mark.parametrize(("old", "new", "verdict"), BOMBS.values(), ids=BOMBS)
def test_bombs_go_out(old: Any, new: Any, verdict: str) -> None:
    begun = time.process_time()
    assert compare(old, new, kind="openapi").verdict == verdict
    assert time.process_time() - begun < 10


def test_too_deep_is_refused() -> None:
    schema: Any = S
    for _ in range(400):
        schema = {"type": "array", "items": schema}
    with pytest.raises(ContractInvalid, match=r"cannot be read|nested"):
        compare(request(S), request(schema), kind="openapi")


def test_any_damage_is_a_clear_refusal_or_read() -> None:
    """Never another exception, whatever stands where something else was expected."""
    garbage: list[Any] = [None, True, 0, 1.5, "", "x", [], {}, ["x"], [{}], {"x": 1}, {"$ref": "#/info"}, {"$ref": 5},
                          {"type": ["object", None]}, {"type": {}}, {"properties": []}, {"oneOf": [1]}]  # fmt: skip
    sound = [one for one in ODD.values() if isinstance(one, dict)]
    refused = 0
    for seed in range(1500):
        random = Random(seed)
        old = json.loads(json.dumps(random.choice(sound), default=str))
        new = json.loads(json.dumps(old))
        holder, key = random.choice(list(_spots(new)))
        holder[key] = random.choice(garbage)
        for pair in ((old, new), (new, old)):
            try:
                compare(*pair, kind="openapi")
            except ContractInvalid:
                refused += 1
    assert 100 < refused < 2500


def _spots(value: Any) -> Any:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inside:
        yield value, key
        yield from _spots(part)


def test_the_command_names_file_line_and_pointer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text("openapi: 3.0.3\ninfo: {title: A, version: 1.0.0}\npaths:\n  /a:\n    get:\n      responses:\n"
                   "        200:\n          description: It.\n")  # fmt: skip
    new.write_text(old.read_text() + "components:\n  schemas:\n    A:\n      $ref: '#/components/schemas/B'\n")
    assert main(["diff", str(old), str(new)]) == 2
    said = capsys.readouterr().err
    assert f"{new}:11" in said
    assert "/components/schemas/A" in said
    assert main(["diff", str(old), str(old)]) == 0


def test_the_command_shows_a_break(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pair = [tmp_path / name for name in ("old.json", "new.json")]
    pair[0].write_text(json.dumps(request({"type": "object", "properties": {"a": S}})))
    pair[1].write_text(json.dumps(request({"type": "object", "properties": {"a": S}, "required": ["a"]})))
    assert main(["diff", *map(str, pair), "--format", "json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["verdict"], said["level"]) == ("breaking", "major")
    [finding] = said["findings"]
    assert finding["rule"] == "request-property-became-required"
    assert finding["direction"] == "request"
    assert finding["witness"] == {}
    assert finding["path"].endswith("/schema/required")


def test_a_sunset_that_has_passed_lets_an_operation_go(tmp_path: Path) -> None:
    pair = [tmp_path / name for name in ("old.json", "new.json")]
    pair[1].write_text(json.dumps(document({"/a": {"get": DONE}})))
    for sunset, code in (("2020-01-01", 0), ("2999-01-01", 1)):
        ending = {**DONE, "deprecated": True, "x-sunset": sunset}
        pair[0].write_text(json.dumps(document({"/a": {"get": DONE, "put": ending}})))
        assert main(["diff", *map(str, pair)]) == code
