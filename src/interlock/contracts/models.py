"""Generates the typed classes of a domain's event contracts: plain msgspec Structs, one source file per domain.

Only the newest version of each event type gets a class: within a major version, every document of an older one is a
document of the newer. Field shapes: `decimal` is Decimal, `date-time` an aware datetime, `date` a date; an optional
field is UNSET when absent, so that encoding leaves it out; None only where the schema allows null.
"""

from __future__ import annotations

import builtins
import hashlib
import json
import keyword
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock.contracts.event_contract import EventContract
from interlock.contracts.schema_lint import resolve
from interlock.contracts.semver import SemanticVersion

INDENT = "    "
# The width that formatters and linters assume when a project says nothing else.
WIDTH = 88
_FORMATS = {"decimal": "decimal.Decimal", "date-time": "datetime.datetime", "date": "datetime.date"}
_SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
# Names that annotations of the same class use: a field called so would shadow them.
_IMPORTED = {"datetime", "decimal", "msgspec", "Any", "ClassVar", "Literal", "Mapping", "Sequence"}
_TAKEN = frozenset(keyword.kwlist) | frozenset(dir(builtins)) | _IMPORTED


def class_name(contract: EventContract) -> str:
    """OrderPlaced, and OrderPlacedV2 from the second major version on."""
    major = SemanticVersion.parse(contract.version).major
    return contract.name if major == 1 else f"{contract.name}V{major}"


def generate(domain: str, contracts: Iterable[EventContract]) -> str:
    """The source of `contracts/<domain>.py`: deterministic, formatted, strictly typed."""
    newest = {contract.type: contract for contract in sorted(contracts, key=_age)}
    module = _Module({class_name(contract) for contract in newest.values()})
    for contract in sorted(newest.values(), key=class_name):
        module.add_event(contract)
    return _render(domain, schemas_hash(newest.values()), module)


def schemas_hash(contracts: Iterable[EventContract]) -> str:
    """Of all that the classes are made from."""
    parts = sorted((contract.type, contract.version, contract.schema) for contract in contracts)
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _age(contract: EventContract) -> SemanticVersion:
    return SemanticVersion.parse(contract.version)


@dataclass(slots=True)
class _Class:
    name: str
    doc: str
    constants: tuple[str, ...]
    members: tuple[str, ...]


@dataclass(slots=True)
class _Module:
    """Classes as they are found, nested ones named after event and field, so that a new event renames nothing.

    Nested objects of equal shape are one class under several names: the lines of one event fit another.
    """

    events: set[str]
    classes: dict[str, _Class] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    _open: dict[int, str] = field(default_factory=dict)

    def add_event(self, contract: EventContract) -> None:
        name = class_name(contract)
        doc = _sentence(contract.schema.get("description") or f"{contract.type} {contract.version}")
        constants = (
            f"__contract__: ClassVar[str] = {_quoted(contract.type)}",
            f"__version__: ClassVar[str] = {_quoted(contract.version)}",
        )
        self._open = {id(contract.schema): name}
        self.classes[name] = _Class(name, doc, constants, ())
        self.classes[name].members = self._members(contract.schema, contract.schema, name)

    def _members(self, schema: Mapping[str, Any], root: Mapping[str, Any], event: str) -> tuple[str, ...]:
        required = schema.get("required", ())
        members = []
        for name, part in schema.get("properties", {}).items():
            kind = self._kind(part, root, event, name)
            python = _identifier(name)
            renamed = f"name={_quoted(name)}" if python != name else ""
            if name in required:
                default = f" = msgspec.field({renamed})" if renamed else ""
            else:
                kind = _optional(kind)
                default = f" = msgspec.field(default=msgspec.UNSET, {renamed})" if renamed else " = msgspec.UNSET"
            members.append(f"{python}: {kind}{default}")
        return tuple(members)

    def _kind(self, schema: Any, root: Mapping[str, Any], event: str, hint: str) -> str:
        """The annotation of a subschema. Any where a static type would say more than the schema does."""
        if isinstance(schema, Mapping) and isinstance(schema.get("$ref"), str):
            hint = schema["$ref"].rpartition("/")[2] or hint
            schema = resolve(schema, root)
        if not isinstance(schema, Mapping):
            return "Any"
        if "const" in schema or "enum" in schema:
            return _literal(schema.get("enum", [schema.get("const")]))
        for combinator in ("oneOf", "anyOf"):
            if combinator in schema:
                return _union(self._kind(part, root, event, hint) for part in schema[combinator])
        kinds = schema.get("type")
        if isinstance(kinds, list):
            return _union(self._kind({**schema, "type": kind}, root, event, hint) for kind in kinds)
        if kinds == "array":
            items = schema.get("items", {})
            return f"Sequence[{self._kind(items, root, event, _singular(hint))}]"
        if kinds == "object" or "properties" in schema:
            return self._object(schema, root, event, hint)
        if kinds == "string":
            return _FORMATS.get(schema.get("format", ""), "str")
        return _SCALARS.get(str(kinds), "Any")

    def _object(self, schema: Mapping[str, Any], root: Mapping[str, Any], event: str, hint: str) -> str:
        if not schema.get("properties"):
            rest = schema.get("additionalProperties")
            return f"Mapping[str, {self._kind(rest, root, event, hint) if isinstance(rest, Mapping) else 'Any'}]"
        if id(schema) in self._open:
            return self._open[id(schema)]
        name = self._free(event + _pascal(hint))
        self._open[id(schema)] = name
        self.classes[name] = made = _Class(name, _sentence(schema.get("description", "")), (), ())
        made.members = self._members(schema, root, event)
        return self._settle(schema, made)

    def _settle(self, schema: Mapping[str, Any], made: _Class) -> str:
        """Another nested class of the same shape takes over; the name made here becomes its alias."""
        for other in self.classes.values():
            if other is not made and other.members == made.members and not other.constants:
                del self.classes[made.name]
                self.aliases[made.name] = self._open[id(schema)] = other.name
                break
        return self._open[id(schema)]

    def _free(self, name: str) -> str:
        taken = self.classes.keys() | self.aliases.keys() | self.events | _TAKEN
        number, candidate = 2, name
        while candidate in taken:
            candidate = f"{name}{number}"
            number += 1
        return candidate


def _render(domain: str, digest: str, module: _Module) -> str:
    body = "".join(_class_source(one) for one in sorted(module.classes.values(), key=lambda one: one.name))
    if module.aliases:
        body += "\n\n" + "".join(f"{name} = {one}\n" for name, one in sorted(module.aliases.items()))
    lines = [f'"""Events of the domain {domain}, generated from contracts/events/{domain}.', ""]
    lines += ["Do not edit: change the schemas, then run `interlock generate`.", '"""', ""]
    if any(len(line) > WIDTH for line in body.split("\n")):
        lines += ["# ruff: noqa: E501", "# fmt: off"]
    lines += [f"# schemas: {digest}", "", "from __future__ import annotations", ""]
    standard = [f"import {name}" for name in ("datetime", "decimal") if f"{name}." in body]
    abstract = [name for name in ("Mapping", "Sequence") if f"{name}[" in body]
    typed = ["Any"] if _mentions_any(body) else []
    typed += [name for name in ("ClassVar", "Literal") if f"{name}[" in body]
    standard += [f"from collections.abc import {', '.join(abstract)}"] if abstract else []
    standard += [f"from typing import {', '.join(typed)}"] if typed else []
    return "\n".join([*lines, *standard, "", "import msgspec"]) + "\n" + body


def _mentions_any(body: str) -> bool:
    return any(f"{before}Any{after}" in body for before in (": ", "[", "| ", ", ") for after in ("\n", "]", " ", ","))


def _class_source(one: _Class) -> str:
    lines = ["", "", f"class {one.name}(msgspec.Struct, frozen=True, kw_only=True):"]
    if one.doc:
        lines += [f"{INDENT}{_docstring(one.doc)}", ""]
    lines += [INDENT + constant for constant in one.constants]
    if one.constants and one.members:
        lines.append("")
    lines += [INDENT + member for member in one.members]
    return "\n".join(lines) + "\n"


def _literal(values: Any) -> str:
    """Texts, whole numbers, booleans and null; other constants have no literal type."""
    allowed = [value for value in values if value is None or isinstance(value, str | int)]
    if not allowed or len(allowed) != len(values):
        return "Any"
    nullable = None in allowed
    shown = [_quoted(value) if isinstance(value, str) else repr(value) for value in allowed if value is not None]
    if not shown:
        return "None"
    return f"Literal[{', '.join(shown)}]" + (" | None" if nullable else "")


def _union(kinds: Iterable[str]) -> str:
    parts = list(dict.fromkeys(part for kind in kinds for part in kind.split(" | ")))
    # msgspec decodes a union only when the JSON type tells its members apart; beyond that, the data stays as it is.
    if "Any" in parts or len([part for part in parts if part != "None"]) > 1:
        return "Any"
    return " | ".join(sorted(parts, key=lambda part: part == "None"))


def _optional(kind: str) -> str:
    """None stands last, as linters ask."""
    if kind.endswith(" | None"):
        return f"{kind.removesuffix(' | None')} | msgspec.UnsetType | None"
    return f"{kind} | msgspec.UnsetType"


def _identifier(name: str) -> str:
    python = "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in name)
    if not python or python[0].isdigit() or python[0] == "_":
        python = "field_" + python.lstrip("_")
    return python + "_" if python in _TAKEN else python


def _pascal(text: str) -> str:
    words = "".join(letter if letter.isalnum() and letter.isascii() else " " for letter in text).split()
    name = "".join(word[0].upper() + word[1:] for word in words) or "Part"
    return f"Part{name}" if name[0].isdigit() else name


def _singular(name: str) -> str:
    if name.endswith("ies") and len(name) > 4:
        return name[:-3] + "y"
    if name.endswith(("ses", "xes")):
        return name[:-2]
    return name[:-1] if name.endswith("s") and not name.endswith("ss") else name


def _sentence(text: str) -> str:
    flat = " ".join(str(text).split())
    return flat + "." if flat and flat[-1] not in ".!?" else flat


def _docstring(text: str) -> str:
    text = text.replace("\\", "\\\\").replace('"', "'")
    return f'"""{text}"""'


def _quoted(text: str) -> str:
    """As formatters write it: double quotes."""
    return json.dumps(text, ensure_ascii=False) if "'" in text or '"' not in text else repr(text)
