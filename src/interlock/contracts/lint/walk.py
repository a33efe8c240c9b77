"""One pass over a document: each object meets the rules for its kind, found in a table, and nothing is copied."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from interlock.contracts import local_reference, pointer
from interlock.contracts.lint.document_rules import BY_ID
from interlock.contracts.lint.grammar import Kind, Slot, json_type
from interlock.contracts.lint.rule import LintRule, Tokens
from interlock.contracts.lint.scene import At, Scene, tokens
from interlock.contracts.local_reference import ReferenceInvalid

Report = Callable[[LintRule, At, Tokens, str], None]
UNKNOWN, MISSING, TYPE = BY_ID["MEMBER_UNKNOWN"], BY_ID["MEMBER_MISSING"], BY_ID["MEMBER_TYPE"]
SIBLINGS = BY_ID["REFERENCE_SIBLINGS"]
_BESIDE = frozenset({"$ref"})
_BESIDE_3_1 = _BESIDE | {"summary", "description"}
# A keyword that a schema does not know is a rule of its own: it weakens the contract without a word.
_SCHEMAS = frozenset({"Schema", "SchemaPart"})


class Walk:
    """Depth is bounded by the parser of the document."""

    def __init__(self, scene: Scene, kinds: Mapping[str, Kind], report: Report) -> None:
        self._scene = scene
        self._schema = kinds["Schema"]
        self._expected: dict[str, Kind] = {}
        # What may stand beside the reference in a Reference Object.
        self._beside = _BESIDE_3_1 if scene.version == "3.1" else _BESIDE
        self._report = report

    def run(self, root: Kind) -> None:
        self._object(self._scene.document, root, None)
        self._elsewhere(root)
        self._scene.at = None
        for rule in root.ends:
            self._check(rule, self._scene.document, None)

    def _elsewhere(self, root: Kind) -> None:
        """What is referred to outside of the places that the grammar knows, each once, as what refers to it."""
        done: set[str] = set()
        while len(done) < len(self._expected):
            for reference in self._expected.keys() - done:
                done.add(reference)
                at, node = _target(self._scene.document, reference)
                if at is not None and type(node) is dict and _kind_at(root, at) is None and "$ref" not in node:
                    self._object(node, self._expected[reference], at)

    def _object(self, node: dict[str, Any], kind: Kind, at: At) -> None:
        scene = self._scene
        scene.at = at
        scene.kind = kind.name
        scene.owners.append(node)
        for rule in kind.always:
            self._check(rule, node, at)
        for name in kind.required:
            if name not in node:
                self._report(MISSING, at, (), f'{kind.name} needs "{name}".')
        slots = kind.slots
        for name, value in node.items():
            slot = slots.get(name)
            if slot is None:
                slot = self._other(name, value, kind, at)
                if slot is None:
                    continue
            if slot.checks:
                scene.at = at
                scene.kind = kind.name
                for rule in slot.checks:
                    self._check(rule, node, at)
            if slot.shape == "one":
                self._value(value, slot, (at, name))
            elif slot.shape == "list":
                if type(value) is list:
                    here = (at, name)
                    for index, one in enumerate(value):
                        self._value(one, slot, (here, index))
                else:
                    self._wrong((at, name), value, "an array")
            elif type(value) is dict:
                here = (at, name)
                for key, one in value.items():
                    self._value(one, slot, (here, key))
            else:
                self._wrong((at, name), value, "an object")
        scene.owners.pop()

    def _value(self, value: Any, slot: Slot, at: At) -> None:
        found = type(value)
        if found not in slot.types:
            assert at is not None
            self._wrong(at, value, slot.words)
        elif slot.kind is not None and found is dict:
            reference = value.get("$ref")
            if type(reference) is str:
                self._scene.references.setdefault(reference, at)
                self._expected.setdefault(reference, slot.kind)
                if slot.may_refer:
                    for name in value.keys() - self._beside if len(value) > 1 else ():
                        if not name.startswith("x-"):
                            self._report(SIBLINGS, at, (name,), f'"{name}" stands beside "$ref", and is ignored.')
                    return
            if slot.kind.name == "Payload":
                self._payload(value, at)
            else:
                self._object(value, slot.kind, at)

    def _payload(self, value: dict[str, Any], at: At) -> None:
        """Of an AsyncAPI message: a schema, or one in a language of its own that is stated beside it."""
        owner = self._scene.owners[-1]
        if self._scene.foreign(owner) or self._scene.foreign({"payload": value}):
            self._references(value, at)
        elif "schemaFormat" in value and isinstance(value.get("schema"), dict):
            self._object(value["schema"], self._schema, (at, "schema"))
        else:
            self._object(value, self._schema, at)

    def _wrong(self, at: tuple[At, str | int], value: Any, expected: str) -> None:
        self._report(TYPE, at, (), f'"{at[1]}" is {_a(json_type(value))}; {expected} is expected.')
        if type(value) in (dict, list):
            self._references(value, at)

    def _other(self, name: str, value: Any, kind: Kind, at: At) -> Slot | None:
        """A member that no line of the grammar names."""
        slot = kind.slot(name)
        if slot is None:
            if not name.startswith("x-") and kind.name not in _SCHEMAS:
                close = get_close_matches(name, kind.slots, n=1)
                hint = f' Did you mean "{close[0]}"?' if close else ""
                self._report(UNKNOWN, at, (name,), f'{kind.name} has no member "{name}".{hint}')
            if type(value) in (dict, list):
                self._references(value, (at, name))
        return slot

    def _references(self, value: Any, at: At) -> None:
        """Of extensions and unknown members, so that what they use counts as used."""
        if type(value) is list:
            for index, one in enumerate(value):
                if type(one) in (dict, list):
                    self._references(one, (at, index))
            return
        reference = value.get("$ref")
        if type(reference) is str:
            self._scene.references.setdefault(reference, at)
        for name, one in value.items():
            if type(one) in (dict, list):
                self._references(one, (at, name))

    def _check(self, rule: LintRule, node: Any, at: At) -> None:
        for where, detail in rule.check(node, self._scene):
            self._report(rule, at, where, detail)


def _target(document: Any, reference: str) -> tuple[At, Any]:
    """The place that a local reference means, and what stands there; (None, None) when it means nothing."""
    try:
        place, node = local_reference.target(document, reference)
    except ReferenceInvalid:
        return None, None
    at: At = None
    for token in pointer.split(place):
        at = (at, token)
    return at, node


def _kind_at(root: Kind, at: At) -> Kind | None:
    """The kind of object that the grammar knows at a place."""
    path = [str(token) for token in tokens(at)]
    kind: Kind | None = root
    while path:
        name = path.pop(0)
        slot = kind.slots.get(name) or kind.slot(name) if kind else None
        if slot is None or slot.kind is None:
            return None
        if slot.shape != "one" and path:
            path.pop(0)
        kind = slot.kind
    return kind


def _a(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aio" else noun if noun == "null" else f"a {noun}"
