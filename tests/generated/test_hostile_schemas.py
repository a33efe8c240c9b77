"""`interlock generate FILE` of schemas that multiply, go in circles or are none: done soon, or refused with exit 2."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from interlock.cli.main import main


def doubling(below: str, levels: int) -> dict[str, Any]:
    """Each schema refers to the next one twice."""
    schemas: dict[str, Any] = {
        f"S{level}": {"anyOf": [{"$ref": f"{below}/S{level + 1}"}] * 2} for level in range(levels)
    }
    return {**schemas, f"S{levels}": {"type": "string"}}


def api(schemas: dict[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/S0"}}}
    answer = {"200": {"description": "It.", "content": content}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Shop", "version": "1.0.0"},
        "paths": {"/it": {"get": {"operationId": "getIt", "responses": answer}}},
        "components": {"schemas": schemas},
    }


def generate(folder: Path, document: Any, name: str = "it.json") -> int:
    (folder / name).write_text(json.dumps(document, indent=1))
    return main(["generate", str(folder / name), "--out", str(folder / "out")])


def test_references_that_double_forty_times_over_end(tmp_path: Path) -> None:
    begun = time.process_time()
    assert generate(tmp_path, api(doubling("#/components/schemas", 40))) == 0
    sixteen = {"properties": {"a": {"$ref": "#/$defs/S0"}}, "$defs": doubling("#/$defs", 16)}
    assert generate(tmp_path, sixteen) == 0
    assert "a: str | msgspec.UnsetType" in (tmp_path / "out/it.py").read_text()
    assert time.process_time() - begun < 10


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"properties": {"a": {"$ref": "#/$defs/S0"}}, "$defs": doubling("#/$defs", 40)}, "more than 1,000,000 times"),
        ({"$ref": "#"}, "it.json:2  The schema refers to itself"),
        ({"properties": {"a": {"type": "strin"}}}, "it.json:4  "),
        ({"properties": {"a": {"pattern": "(a"}}}, "it.json:4  "),
        ({"properties": {"a": {"$ref": "https://example.com/a"}}}, "it.json:4  https://example.com/a leaves"),
        ({"type": "record", "name": "A", "fields": []}, "it.json:1  This is an Avro schema"),
    ],
    ids=["bomb", "circle", "type", "pattern", "remote", "avro"],
)
def test_what_is_no_sound_schema_is_refused(schema: Any, said: str, tmp_path: Path, capsys: Any) -> None:
    assert generate(tmp_path, schema) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_path_that_is_not_there_is_told(tmp_path: Path, capsys: Any) -> None:
    assert main(["generate", str(tmp_path / "nowhere.json"), "--out", str(tmp_path)]) == 2
    assert "nowhere.json: there is no such file or folder." in capsys.readouterr().err
