"""Exit 2: stderr names the file, the line, the place and the next step; stdout stays empty."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest

from diff_command.conftest import Desk

GOOD = {"type": "object"}
OPENAPI = {"openapi": "3.1.0", "info": {"title": "Shop", "version": "1.0.0"}, "paths": {}}


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        ('{"type":\n "object",\n}', 3, "no JSON"),
        ('{"type": "object",\n "type": "string"}', 2, "twice"),
        ('{"a": [{"b": 1,\n "\\u0062": 2}]}', 2, "twice"),
        ("type: object\nproperties:\n  a: [1\n", 4, "YAML is wrong"),
        ("type: object\ntype: string\n", 2, "YAML is wrong"),
        ("[" * 100_000, 1, "nests"),
        ('{"a":' * 300 + "1" + "}" * 300, 1, "nests"),
        ("a: &a {b: *a}\n", 1, "YAML is wrong"),
    ],
    ids=["json", "duplicate", "escaped-duplicate", "yaml", "yaml-duplicate", "unclosed", "deep", "alias"],
)
def test_texts_that_cannot_be_read(desk: Desk, content: str, line: int, said: str) -> None:
    good, bad = desk.put("good.json", GOOD), desk.put("bad.txt", content)
    for words in ((good, bad), (bad, good)):
        err = desk.refused(*words)
        assert err.startswith(f"bad.txt:{line}  "), err
        assert said in err
        assert len(err.splitlines()) == 2


@pytest.mark.parametrize(
    ("document", "place", "said"),
    [
        (7, ":1  /", "no contract"),
        ({"asyncapi": "3.0.0"}, ":1  /", "interlock import"),
        ("hello", ":1  /", "names no Avro type"),
        ({"type": "strin"}, ":2  /type", "strin"),
        ({"properties": {"a": {"$ref": "https://example.com/a"}}}, ":4  /properties/a/$ref", "never fetched"),
        ({"properties": {"a": {"$ref": "other.json"}}}, ":4  /properties/a/$ref", "below $defs"),
        ({"properties": {"a": {"$ref": "#/$defs/a"}}}, ":4  /properties/a/$ref", "points at no schema"),
        ({"properties": {"a": {"$ref": "#a"}}}, ":4  /properties/a/$ref", "points at no schema"),
        ({"$ref": "#"}, ":2  /$ref", "refers to itself"),
        ({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"allOf": [{"$ref": "#/$defs/a"}]}}}, ":", "refers to itself"),
        ({"anyOf": [{"type": "string"}, {"not": {"$ref": "#"}}]}, ":8  /anyOf/1/not/$ref", "refers to itself"),
        ({"name": "shop", "version": "1.0.0", "private": True}, ":1  /", "no word of JSON Schema"),
        ({"type": "string", "pattern": "(a"}, ":", "pattern"),
    ],
)  # fmt: skip
def test_documents_that_are_no_contract(desk: Desk, document: Any, place: str, said: str) -> None:
    good, bad = desk.put("good.json", GOOD), desk.put("bad.json", f"{document}" if document == 7 else document)
    if document == "hello":
        desk.put("bad.json", '"hello"')
    for words in ((good, bad), (bad, good)):
        err = desk.refused(*words)
        assert err.startswith(f"bad.json{place}"), err
        assert said in err
        assert len(err.splitlines()) == 2


def test_true_recursion_is_no_circle(desk: Desk) -> None:
    tree = {"type": "object", "properties": {"left": {"$ref": "#"}, "more": {"items": {"anyOf": [{"$ref": "#"}]}}}}
    assert desk.judged(tree, tree | {"title": "Tree"})["level"] == "patch"


def test_two_kinds(desk: Desk) -> None:
    err = desk.refused(desk.put("a.json", GOOD), desk.put("b.json", OPENAPI))
    assert err.startswith("a.json, b.json  The old document is a JSON Schema and the new one an OpenAPI document.")
    assert "--kind" in err


def test_files_that_are_not_there(desk: Desk) -> None:
    good = desk.put("good.json", GOOD)
    assert desk.refused(good, "nowhere.json").startswith("nowhere.json  It cannot be read: No such file")
    assert desk.refused(".", good).startswith(".  It cannot be read: Is a directory")
    assert "Standard input is one document" in desk.refused("-", "-")


def test_arguments(desk: Desk) -> None:
    good = desk.put("good.json", GOOD)
    assert "invalid choice: 'SIDEWARD'" in desk.refused(good, good, "--mode", "sideward")
    assert "invalid choice: 'xml'" in desk.refused(good, good, "--format", "xml")
    assert "FORWARD_TRANSITIVE" in desk.refused(good, good, good, "--mode", "FORWARD")
    assert "NEW" in desk.refused(good)


def test_hostile_schemas_end_in_time(desk: Desk) -> None:
    """Exponential allOf and deep recursion: an answer or an error, never a hang."""
    bomb: dict[str, Any] = {"$defs": {"d0": {"type": "string"}}, "$ref": "#/$defs/d40"}
    for level in range(1, 41):
        bomb["$defs"][f"d{level}"] = {"allOf": [{"$ref": f"#/$defs/d{level - 1}"}] * 2}
    other = bomb | {"$defs": bomb["$defs"] | {"d0": {"type": "string", "maxLength": 3}}}
    begun = time.process_time()
    code, out, err = desk.run(desk.put("a.json", bomb), desk.put("b.json", other), "--json")
    assert code in (1, 2), out + err
    assert time.process_time() - begun < 60


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read(desk: Desk) -> None:
    name = desk.put("a.json", GOOD)
    (desk.root / name).chmod(0)
    assert "Permission denied" in desk.refused(name, name)


def test_a_pipe_that_nobody_writes_to_ends_the_waiting(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interlock.cli.contract_file.WRITER_SECONDS", 0.2)
    os.mkfifo(desk.root / "pipe")
    assert "nobody has written to it" in desk.refused("pipe", desk.put("good.json", GOOD))


def test_a_pipe_of_a_shell_is_a_file(desk: Desk) -> None:
    read, write = os.pipe()
    os.write(write, b'{"type": "object"}')
    os.close(write)
    assert desk.run(f"/dev/fd/{read}", desk.put("good.json", GOOD))[0] == 0
    os.close(read)
