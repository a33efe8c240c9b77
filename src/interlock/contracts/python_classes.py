"""Classes of JSON Schemas: plain msgspec Structs, the annotation of every subschema, and the source of it all.

Field shapes: `decimal` is Decimal, `date-time` an aware datetime, `date` a date; an optional field is UNSET when
absent, so that encoding leaves it out; None only where the schema allows null. Alternatives of objects become a tagged
union where one field tells them apart (OpenAPI's `discriminator`, or a `const` of its own in each).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock.contracts import pointer
from interlock.contracts.python_text import (
    INDENT,
    TAKEN,
    docstring,
    identifier,
    is_field_name,
    pascal,
    quoted,
    sentence,
    singular,
)
from interlock.contracts.schema_lint import resolve

_FORMATS = {"decimal": "decimal.Decimal", "date-time": "datetime.datetime", "date": "datetime.date"}
_SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}

Schema = Mapping[str, Any]


@dataclass(slots=True)
class PythonClass:
    """`tag` is the name and the value of the field that tells a union's members apart."""

    name: str
    doc: str
    constants: tuple[str, ...]
    members: tuple[str, ...]
    tag: tuple[str, str] | None = None


@dataclass(slots=True)
class PythonClasses:
    """Classes as they are found, nested ones named after their owner and field, so that a new one renames nothing.

    Nested objects of equal shape are one class under several names: the lines of one event fit another. With
    `by_reference`, a referenced schema gives its own name to its class, and shares none.
    """

    reserved: set[str] = field(default_factory=set)
    by_reference: bool = False
    classes: dict[str, PythonClass] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    _open: dict[int, str] = field(default_factory=dict)
    _merged: dict[int, tuple[Any, dict[str, Any]]] = field(default_factory=dict)
    _busy: set[int] = field(default_factory=set)
    _kinds: dict[tuple[int, str, str], str] = field(default_factory=dict)

    def add_root(self, name: str, doc: str, schema: Schema, constants: tuple[str, ...] = ()) -> None:
        """A root schema that is an object, as the class `name`."""
        self._open = {id(schema): name}
        self._kinds = {}
        self.classes[name] = PythonClass(name, doc, constants, ())
        self.classes[name].members = self._members(self._flat(schema, schema), schema, name)

    def kind(self, schema: Any, root: Schema, owner: str, hint: str) -> str:
        """The annotation of a subschema. Any where a static type would say more than the schema does."""
        referenced = isinstance(schema, Mapping) and isinstance(schema.get("$ref"), str)
        if referenced:
            hint = schema["$ref"].rpartition("/")[2] or hint
            schema = resolve(schema, root)
            owner = "" if self.by_reference else owner
        if not isinstance(schema, Mapping) or id(schema) in self._busy:
            return "Any"  # or a reference that comes back to itself without an object between
        place = (id(schema), owner, hint)
        if place not in self._kinds:  # references that double at each level come here as often as there are ways
            self._busy.add(id(schema))
            try:
                self._kinds[place] = self._kind(schema, root, owner, hint)
            finally:
                self._busy.discard(id(schema))
        return self._kinds[place]

    def _kind(self, schema: Schema, root: Schema, owner: str, hint: str) -> str:
        if "const" in schema or "enum" in schema:
            return literal(schema.get("enum", [schema.get("const")]))
        if "allOf" in schema:
            schema = self._flat(schema, root)
        for combinator in ("oneOf", "anyOf"):
            if combinator in schema:
                return self._alternatives(schema, schema[combinator], root, owner, hint)
        kinds = schema.get("type")
        if isinstance(kinds, list):
            return union(self._plain({**schema, "type": kind}, schema, root, owner, hint) for kind in kinds)
        return self._plain(schema, schema, root, owner, hint)

    def _plain(self, schema: Schema, written: Schema, root: Schema, owner: str, hint: str) -> str:
        """Of one type. `written` is the schema in the document, whose identity ends recursion."""
        kinds = schema.get("type")
        if kinds == "array":
            return f"Sequence[{self.kind(schema.get('items', {}), root, owner, singular(hint))}]"
        if kinds == "object" or "properties" in schema:
            return self._object(schema, written, root, owner, hint)
        if kinds == "string":
            return _FORMATS.get(schema.get("format", ""), "str")
        return _SCALARS.get(str(kinds), "Any")

    def _object(self, schema: Schema, written: Schema, root: Schema, owner: str, hint: str) -> str:
        if not all(map(is_field_name, schema.get("properties", ()))):
            return "Mapping[str, Any]"
        if not schema.get("properties"):
            rest = schema.get("additionalProperties")
            return f"Mapping[str, {self.kind(rest, root, owner, hint) if isinstance(rest, Mapping) else 'Any'}]"
        if id(written) in self._open:
            return self._open[id(written)]
        name = self._free(owner + pascal(hint))
        self._open[id(written)] = name
        self.classes[name] = made = PythonClass(name, sentence(schema.get("description", "")), (), ())
        busy, self._busy = self._busy, set()  # below an object, references may come back
        made.members = self._members(schema, root, name if self.by_reference else owner)
        self._busy = busy
        return self._open[id(written)] if self.by_reference else self._settle(written, made)

    def _members(self, schema: Schema, root: Schema, owner: str) -> tuple[str, ...]:
        required = schema.get("required", ())
        members, taken = [], set()
        for name, part in schema.get("properties", {}).items():
            kind = self.kind(part, root, owner, name)
            python = identifier(name)
            while python in taken:
                python += "_"
            taken.add(python)
            renamed = f"name={quoted(name)}" if python != name else ""
            if name in required:
                default = f" = msgspec.field({renamed})" if renamed else ""
            else:
                kind = optional(kind)
                default = f" = msgspec.field(default=msgspec.UNSET, {renamed})" if renamed else " = msgspec.UNSET"
            members.append(f"{python}: {kind}{default}")
        return tuple(members)

    def _flat(self, schema: Schema, root: Schema, depth: int = 0) -> Schema:
        """`allOf` as one schema, made once for each place."""
        if "allOf" not in schema or depth > 16:
            return schema
        if id(schema) not in self._merged:
            made = {name: value for name, value in schema.items() if name != "allOf"}
            for part in schema["allOf"]:
                part = resolve(part, root) if isinstance(part, Mapping) else part
                if isinstance(part, Mapping):
                    _add(made, self._flat(part, root, depth + 1))
            self._merged[id(schema)] = (schema, made)
        return self._merged[id(schema)][1]

    def _alternatives(self, schema: Schema, parts: Any, root: Schema, owner: str, hint: str) -> str:
        tags = _tags(schema, parts, root)
        kinds = []
        for at, part in enumerate(parts):
            inner = part.get("title") if isinstance(part, Mapping) else None
            own = hint if len([one for one in parts if one != {"type": "null"}]) == 1 else f"{hint} {inner or at + 1}"
            kinds.append(self.kind(part, root, owner, own))
        if tags is not None and self._tagged(kinds, *tags):
            return " | ".join(dict.fromkeys(kinds))
        return union(kinds)

    def _tagged(self, kinds: list[str], name: str, values: list[str | None]) -> bool:
        """Gives each class its tag; False when one of them is no class or has another tag already."""
        wanted = {}
        for kind, value in zip(kinds, values, strict=True):
            if kind == "None" and value is None:
                continue
            made = self.classes.get(kind)
            if made is None or value is None or kind in wanted or made.tag not in (None, (name, value)):
                return False
            wanted[kind] = value
        for kind, value in wanted.items():
            made = self.classes[kind]
            made.tag = (name, value)
            python = identifier(name)
            made.members = tuple(one for one in made.members if not one.startswith(f"{python}:"))
        return len(wanted) > 1

    def _settle(self, schema: Schema, made: PythonClass) -> str:
        """Another nested class of the same shape takes over; the name made here becomes its alias."""
        for other in self.classes.values():
            if other is not made and other.members == made.members and not other.constants and other.tag == made.tag:
                del self.classes[made.name]
                self.aliases[made.name] = self._open[id(schema)] = other.name
                break
        return self._open[id(schema)]

    def _free(self, name: str) -> str:
        taken = self.classes.keys() | self.aliases.keys() | self.reserved | TAKEN
        number, candidate = 2, name
        while candidate in taken:
            candidate = f"{name}{number}"
            number += 1
        return candidate

    def source(self) -> str:
        """All classes by name, then the aliases."""
        body = "".join(_class_source(one) for one in sorted(self.classes.values(), key=lambda one: one.name))
        if self.aliases:
            body += "\n\n" + "".join(f"{name} = {one}\n" for name, one in sorted(self.aliases.items()))
        return body


def imports(body: str) -> list[str]:
    """The import lines that annotations in a source need, without msgspec's."""
    lines = [f"import {name}" for name in ("datetime", "decimal") if f"{name}." in body]
    abstract = [name for name in ("Mapping", "Sequence") if f"{name}[" in body]
    typed = ["Any"] if _mentions_any(body) else []
    typed += [name for name in ("ClassVar", "Literal") if f"{name}[" in body]
    lines += [f"from collections.abc import {', '.join(abstract)}"] if abstract else []
    return lines + ([f"from typing import {', '.join(typed)}"] if typed else [])


def literal(values: Any) -> str:
    """Texts, whole numbers, booleans and null; other constants have no literal type."""
    allowed = [value for value in values if value is None or isinstance(value, str | int)]
    if not allowed or len(allowed) != len(values):
        return "Any"
    if len({type(value) for value in allowed if value is not None}) > 1:
        return "Any"  # msgspec decodes literals of one type, and null
    shown = [quoted(value) if isinstance(value, str) else repr(value) for value in allowed if value is not None]
    if any(isinstance(value, bool) for value in allowed):
        return "bool" + (" | None" if None in allowed else "")  # msgspec has no boolean literals
    if not shown:
        return "None"
    return f"Literal[{', '.join(shown)}]" + (" | None" if None in allowed else "")


def union(kinds: Iterable[str]) -> str:
    """A union that msgspec can decode: the JSON type tells its members apart. Beyond that the data stays as it is."""
    parts = list(dict.fromkeys(part for kind in kinds for part in _split(kind)))
    families = [_family(part) for part in parts]
    if "Any" in parts or len(set(families)) < len(families):
        return "Any"
    return " | ".join(sorted(parts, key=lambda part: part == "None"))


def optional(kind: str) -> str:
    """None stands last, as linters ask."""
    if kind.endswith(" | None"):
        return f"{kind.removesuffix(' | None')} | msgspec.UnsetType | None"
    return f"{kind} | msgspec.UnsetType"


def _split(kind: str) -> list[str]:
    """Members of a union, brackets and quotes respected."""
    parts, depth, last = [], 0, 0
    if '"' in kind or "'" in kind:
        return [kind.removesuffix(" | None"), "None"] if kind.endswith(" | None") else [kind]
    for at, letter in enumerate(kind):
        depth += (letter == "[") - (letter == "]")
        if letter == "|" and depth == 0:
            parts.append(kind[last:at].strip())
            last = at + 1
    return [*parts, kind[last:].strip()]


def _family(kind: str) -> str:
    """The JSON type that a decoder sees."""
    if kind in ("int", "float", "bool", "None", "Any"):
        return kind
    if kind == "str" or kind in _FORMATS.values() or kind.startswith(('Literal["', "Literal['")):
        return "string"
    if kind.startswith("Literal["):
        return "int"
    return "array" if kind.startswith("Sequence[") else "object"


def _tags(schema: Schema, parts: Any, root: Schema) -> tuple[str, list[str | None]] | None:
    """The telling field and its value for each alternative; None for the alternative null."""
    discriminator = schema.get("discriminator")
    if isinstance(discriminator, Mapping):
        return str(discriminator["propertyName"]), _mapped(discriminator, parts)
    resolved = [resolve(part, root) if isinstance(part, Mapping) else part for part in parts]
    objects = [one for one in resolved if isinstance(one, Mapping) and one != {"type": "null"}]
    for name in objects[0].get("properties", {}) if objects else ():
        values = [_constant(one, name) for one in objects]
        if None not in values and len(set(values)) == len(values):
            return name, [_constant(one, name) if one in objects else None for one in resolved]
    return None


def _mapped(discriminator: Schema, parts: Any) -> list[str | None]:
    """Mapped values, else the schema's own name (OpenAPI 3.1, 4.8.25); nothing where two values mean one schema."""
    values: list[str | None] = []
    for part in parts:
        reference = part.get("$ref", "") if isinstance(part, Mapping) else ""
        found = [value for value, to in (discriminator.get("mapping") or {}).items() if to == reference]
        name = pointer.split(reference[1:])[-1] if reference else None
        values.append(found[0] if len(found) == 1 else None if found else name)
    return values


def _constant(schema: Any, name: str) -> str | None:
    """The one text that a required field of an object may hold."""
    if not isinstance(schema, Mapping) or name not in schema.get("required", ()):
        return None
    part = schema.get("properties", {}).get(name)
    values = part.get("enum", [part.get("const")]) if isinstance(part, Mapping) else []
    return values[0] if len(values) == 1 and isinstance(values[0], str) else None


def _add(made: dict[str, Any], part: Schema) -> None:
    for name, value in part.items():
        if name == "properties":
            made[name] = {**value, **made.get(name, {})}
        elif name == "required":
            made[name] = [*made.get(name, []), *value]
        elif name not in ("description", "title", "$defs"):
            made.setdefault(name, value)


def _mentions_any(body: str) -> bool:
    return any(
        f"{before}Any{after}" in body for before in ("= ", ": ", "[", "| ", ", ") for after in ("\n", "]", " ", ",")
    )


def _class_source(one: PythonClass) -> str:
    tag = f", tag_field={quoted(one.tag[0])}, tag={quoted(one.tag[1])}" if one.tag else ""
    lines = ["", "", f"class {one.name}(msgspec.Struct, frozen=True, kw_only=True{tag}):"]
    if one.doc:
        lines += [f"{INDENT}{docstring(one.doc)}", ""]
    lines += [INDENT + constant for constant in one.constants]
    if one.constants and one.members:
        lines.append("")
    lines += [INDENT + member for member in one.members]
    if not (one.doc or one.constants or one.members):
        lines.append(f"{INDENT}pass")
    return "\n".join(lines) + "\n"
