"""Examples and defaults beside their own schemas."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from interlock.contracts.lint.document_rules import ROOTS
from interlock.contracts.lint.example_validator import ExampleValidator, Unchecked
from interlock.contracts.lint.rule import Flaws, LintRule, Tokens
from interlock.contracts.lint.samples import API
from interlock.contracts.lint.scene import Scene, tokens


def _validator(scene: Scene) -> ExampleValidator:
    found = scene.memo.get("example validator")
    if found is None:
        found = scene.memo["example validator"] = ExampleValidator(scene)
    assert isinstance(found, ExampleValidator)
    return found


def _of_schema(node: Any, scene: Scene) -> Flaws:
    if scene.language == "json-schema" and scene.at is None and scene.governed:
        return  # those of an event are held to its compiled contract
    for where, value in _values(node):
        yield from _checked(scene, node, where, value)


def _default(node: Any, scene: Scene) -> Flaws:
    yield from _checked(scene, node, ("default",), node["default"])


def _values(node: Any) -> Iterator[tuple[Tokens, Any]]:
    if "example" in node:
        yield ("example",), node["example"]
    examples = node.get("examples")
    for index, value in enumerate(examples if isinstance(examples, list) else ()):
        yield ("examples", index), value


def _of_holder(node: Any, scene: Scene) -> Flaws:
    """A media type, a parameter or a header: `example`, or `examples` by name."""
    schema = node.get("schema")
    if not isinstance(schema, dict):
        return
    if "example" in node:
        yield from _checked(scene, schema, ("example",), node["example"])
    examples = node.get("examples")
    for name, example in examples.items() if isinstance(examples, dict) else ():
        whole = scene.followed(example)
        if isinstance(whole, dict) and "value" in whole:
            where = ("examples", name, "value") if "$ref" not in example else ("examples", name)
            yield from _checked(scene, schema, where, whole["value"])


def _of_message(node: Any, scene: Scene) -> Flaws:
    examples = node["examples"]
    for index, example in enumerate(examples if isinstance(examples, list) else ()):
        for name in ("payload", "headers"):
            described = isinstance(node.get(name), dict) and (name == "headers" or not scene.foreign(node))
            if described and isinstance(example, dict) and name in example:
                yield from _checked(scene, node[name], ("examples", index, name), example[name])


def _checked(scene: Scene, schema: Any, where: Tokens, value: Any) -> Flaws:
    noun = "default" if where == ("default",) else "example"
    try:
        for inner, detail in _validator(scene).errors(schema, value):
            yield (*where, *inner), f"The {noun} breaks its own schema: {detail}."
    except Unchecked:
        scene.memo.setdefault("unchecked", []).append((*tokens(scene.at), *where))


def _unchecked(node: Any, scene: Scene) -> Flaws:
    for where in scene.memo.get("unchecked", ()):
        yield where, "The schema multiplies, or moves its own base: this was not held to it."


def _example(node: Any, scene: Scene) -> Flaws:
    if scene.kind in ("MediaType", "Parameter", "Header"):
        return _of_holder(node, scene)
    return _of_message(node, scene) if scene.kind.startswith("Message") else _of_schema(node, scene)


EXAMPLE_RULES: tuple[LintRule, ...] = (
    LintRule(
        id="EXAMPLE_INVALID",
        purpose="An example that its own schema rejects misleads every reader.",
        fix="Correct the example, or the schema.",
        place=API,
        bad='{"paths": {"/orders": {"post": {"requestBody": {"content": {"application/json":'
        ' {"example": {"order_id": 7}}}}}}}}',
        good="{}",
        needed=True,
        source="Spectral oas, asyncapi",
        spectral=(
            "oas3-valid-schema-example",
            "oas3-valid-media-example",
            "asyncapi-message-examples",
            "asyncapi-payload-examples",
            "asyncapi-schema-examples",
        ),
        on=("Schema", "SchemaPart", "MediaType", "Parameter", "Header", "Message", "MessageTrait"),
        when=("example", "examples"),
        check=_example,
    ),
    LintRule(
        id="DEFAULT_INVALID",
        purpose="A default that its own schema rejects makes the shortest request an invalid one.",
        fix="Correct the default, or the schema.",
        place=API,
        bad='{"components": {"schemas": {"Order": {"properties": {"status": {"default": "lost"}}}}}}',
        good='{"components": {"schemas": {"Order": {"properties": {"status": {"default": "placed"}}}}}}',
        source="Spectral oas, asyncapi",
        spectral=("oas3-valid-schema-example", "asyncapi-payload-default", "asyncapi-schema-default"),
        on=("Schema", "SchemaPart"),
        when=("default",),
        check=_default,
    ),
    LintRule(
        id="EXAMPLE_UNCHECKED",
        purpose="An example that nobody could hold to its schema proves nothing.",
        fix="Make the schema smaller: name shared parts once, and let alternatives not repeat one another.",
        place=API,
        bad='{"components": {"schemas": {"Order": {"properties": {"note": {"x-classification": "internal",'
        ' "example": "a", "$id": "https://shop.test/note", "type": "string", "maxLength": 9}}}}}}',
        good="{}",
        severity="warning",
        source="Interlock",
        on=ROOTS,
        when="end",
        check=_unchecked,
    ),
)
