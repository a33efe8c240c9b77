"""Contracts whose names and shapes Python has no word for: the code imports, is typed strictly, and loses nothing."""

from __future__ import annotations

import asyncio
import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

from interlock.contracts.models import generate_schema
from tests.mock.running import command

JSON = "application/json"
TEXT = {"type": "string"}
NAMES = (
    *("class", "a-b", "a_b", "a.b", "", "self", "Ünï", "日本", "None", "field_x", "x y", "__init__", "mro", "int"),
    *("datetime", "msgspec", "1st", "$ref", "UNSET", "Odd", "__struct_fields__", "Any", "Mapping", "str"),
)
REFERENCE = "#/components/schemas/"
SCHEMAS: dict[str, Any] = {
    "Odd": {
        "description": 'He said """hi""" \\ and \\N{BULLET}\n twice.',
        "type": "object",
        "required": list(NAMES[:10]),
        "properties": dict.fromkeys(NAMES, TEXT),
    },
    "odd": {"type": "object", "properties": {"x": TEXT}},
    "O-dd": {"type": "object", "properties": {"y": TEXT}},
    "int": {"type": "object", "properties": {"z": TEXT}},
    "OddClient": {"type": "object", "properties": {"z": TEXT}},
    "ProblemError": {"type": "object", "properties": {"z": TEXT}},
    "Enum": {"enum": ["a", 'b"c', "d'e", "f\ng", "", None, 1, 2.5, True, "日本", "x" * 300]},
    "Tree": {
        "type": "object",
        "properties": {
            "children": {"type": "array", "items": {"$ref": f"{REFERENCE}Tree"}},
            "parent": {"anyOf": [{"$ref": f"{REFERENCE}Tree"}, {"type": "null"}]},
        },
    },
    "Loop": {"type": "array", "items": {"$ref": f"{REFERENCE}Loop"}},
    "Anything": {},
    "Nothing": False,
    "Either": {"oneOf": [TEXT, {"type": "integer"}, {"type": "array", "items": TEXT}, {"type": "null"}]},
    "Twice": {
        "type": "object",
        "properties": {name: {"type": "object", "properties": {name: TEXT}} for name in ("Inner", "inner")},
    },
}
OPERATIONS = (
    "class",
    "get-x",
    "get_x",
    "self",
    "日本",
    "",
    "123 go",
    "send",
    "__init__",
    "a" * 200,
    "list",
    "None",
    "x",
)


def api() -> dict[str, Any]:
    paths: dict[str, Any] = {}
    parameters = [
        {"name": name, "in": where, "required": where == "header", "schema": TEXT}
        for name, where in (
            ("self", "query"), ("body", "query"), ("idempotency_key", "query"), ("X-Id", "header"), ("x_id", "query"),
            ("sid", "cookie"), ("class", "query"),
        )
    ]  # fmt: skip
    for number, (name, operation) in enumerate(zip(SCHEMAS, OPERATIONS, strict=True)):
        content = {"content": {JSON: {"schema": {"$ref": REFERENCE + name}}}}
        paths[f"/p{number}"] = {
            "post": {
                "operationId": operation,
                "summary": '"""x\\',
                "parameters": parameters,
                "requestBody": content,
                "responses": {"200": {"description": "", **content}, "default": {"description": ""}},
            }
        }
    info = {"title": 'T"""\\', "version": "1"}
    return {"openapi": "3.1.0", "info": info, "paths": paths, "components": {"schemas": SCHEMAS}}


def generated(folder: Path, name: str, document: Any) -> ModuleType:
    (folder / f"{name}.json").write_text(json.dumps(document))
    done = command("generate", folder / f"{name}.json", "--out", folder / f"made_{name}")
    assert done.returncode == 0, done.stderr
    (folder / f"made_{name}/__init__.py").write_text("")
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(f"made_{name}.{name}_client")
    finally:
        sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    return generated(tmp_path_factory.mktemp("odd"), "odd", api())


def test_every_name_comes_back_as_it_was(made: Any) -> None:
    document = {name: f"of {name}" for name in NAMES}
    [odd] = [
        one for one in vars(made).values() if isinstance(one, type) and "a_b" in getattr(one, "__annotations__", {})
    ]
    assert msgspec.json.decode(msgspec.json.encode(msgspec.convert(document, odd))) == document


def test_recursion_comes_back_as_it_was(made: Any) -> None:
    document = {"children": [{"children": []}, {"parent": None}], "parent": {"children": [{}]}}
    assert msgspec.json.decode(msgspec.json.encode(msgspec.convert(document, made.Tree))) == document


def test_mypy_finds_it_clean(made: Any, tmp_path: Path) -> None:
    folder = Path(made.__file__).parent
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), str(folder)],
        capture_output=True, text=True, check=False, cwd=folder.parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_schema_alone_makes_a_module_that_imports(name: str) -> None:
    schema = SCHEMAS[name]
    document = {**schema, "components": {"schemas": SCHEMAS}} if isinstance(schema, dict) else {"allOf": [schema]}
    module = type(sys)("made_alone")
    sys.modules["made_alone"] = module
    exec(generate_schema("root", document), module.__dict__)
    assert "Root" in vars(module)


def test_no_text_of_a_contract_becomes_code(tmp_path: Path) -> None:
    """A document from outside is written into a module: at each of its texts somebody could try to leave the text."""
    evil = '"""\n\\N{nothing}\nraise SystemExit("reached")\nx = """'
    document = api()
    document["info"] = {"title": evil, "version": evil, "description": evil}
    answer = {"description": evil, "content": {JSON: {"schema": {"const": evil, "description": evil, "title": evil}}}}
    code = "{__import__('os')._exit(3)}"
    document["paths"] = {
        f'/a"\\\n/{code}/{{id}}': {
            "get": {
                "operationId": evil,
                "summary": evil,
                "deprecated": True,
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}},
                    {"name": evil, "in": "query", "description": evil, "schema": {"enum": [evil]}},
                    {"name": "x-" + evil, "in": "header", "schema": {"type": "string"}},
                ],
                "requestBody": {"content": {"text/plain; " + evil: {"schema": {"type": "string"}}}},
                "responses": {"200": answer, "2 = 0; raise SystemExit() #": {"description": ""}},
            }
        }
    }
    document["components"]["schemas"] = {evil: {"type": "object", "properties": {evil: {"const": evil}}}}
    document["paths"]["/b"] = {"get": {"responses": {"200": {"description": "", "content": {JSON: {"schema": {
        "$ref": REFERENCE + evil.replace("~", "~0").replace("/", "~1")}}}}}}}  # fmt: skip
    module = generated(tmp_path, "evil", document)
    [kind] = [one for name, one in vars(module).items() if name.endswith("Client")]
    [name] = [one for one in vars(kind) if "raise" in one]
    asked: list[str] = []

    class Recording:
        async def send(self, method: str, url: str, *rest: Any) -> Any:
            asked.append(url)
            raise ConnectionError

    with pytest.warns(DeprecationWarning, match="is deprecated"), pytest.raises(ConnectionError):
        asyncio.run(getattr(kind("http://here", Recording()), name)("7"))
    assert asked == ["http://here/a%22%5C%0A/%7B__import__('os')._exit(3)%7D/7"]
