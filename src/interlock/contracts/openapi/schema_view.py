"""What a schema says, with its references followed and its allOf merged: the form in which schemas are compared.

OpenAPI 3.0 and 3.1 look alike here: `nullable`, a type list with null, and an alternative that is null are one thing;
an exclusive bound is a bound with a mark; a choice with one branch is no choice. A schema without `type` that speaks of
properties means an object, and so on for the other types, as its authors mean it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.openapi.api_document import ApiDocument, dumped
from interlock.contracts.openapi.place import Place, deeper, read
from interlock.contracts.openapi.schema_node import Key, Node, Part, Side

T = TypeVar("T")
ANY = frozenset({"boolean", "integer", "number", "string", "array", "object"})
CHOICES = ("oneOf", "anyOf")
MAX_PARTS = 2000
MAX_ALL_OF = 200
# Choices within choices that are asked for null.
MAX_NESTED = 40
# They tell people, and nobody else.
TEXTS = frozenset({"title", "description", "summary", "example", "examples", "externalDocs", "$comment"})
_SILENT = TEXTS | {"$ref"}
# Of a schema that holds a choice: what is compared once for the whole, not again with each branch.
_ABOUT = _SILENT | {"discriminator", "nullable", "default", "deprecated", "readOnly", "writeOnly", "xml"}
_OPENED = frozenset({"allOf", *CHOICES})
_IMPLIED = {
    "object": ("properties", "required", "additionalProperties", "patternProperties", "minProperties", "maxProperties"),
    "array": ("items", "prefixItems", "minItems", "maxItems", "uniqueItems"),
    "string": ("pattern", "minLength", "maxLength"),
    "number": ("minimum", "maximum", "multipleOf", "exclusiveMinimum", "exclusiveMaximum"),
}


class once(Generic[T]):
    """A property that is computed when first asked for; functools.cached_property takes a lock for it."""

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute = compute
        self._name = compute.__name__
        self.__doc__ = compute.__doc__

    def __get__(self, holder: Any, owner: type) -> T:
        value = holder.__dict__[self._name] = self._compute(holder)
        return value


class Choice:
    """`branches` of a oneOf or anyOf, without those that are null; `null` says that there was one."""

    __slots__ = ("branches", "holder", "keyword", "null", "place")

    def __init__(self, keyword: str, branches: tuple[Part, ...], null: bool, holder: Any, place: Place) -> None:
        self.keyword, self.branches, self.null, self.holder, self.place = keyword, branches, null, holder, place


class Schemas:
    """The views of one document for one side, each made once."""

    def __init__(self, document: ApiDocument, side: Side) -> None:
        self.document = document
        self.side = side
        self._views: dict[Key, SchemaView] = {}
        self.nested = 0
        self._made: dict[bytes, Any] = {}
        self._bare: dict[tuple[int, frozenset[str]], tuple[Any, Any]] = {}

    def view(self, node: Node) -> SchemaView:
        key = node.key
        found = self._views.get(key)
        if found is None:
            found = self._views[key] = SchemaView(self, node)
        return found

    def release(self) -> None:
        self._views.clear()

    def node(self, schema: Any, place: Place) -> Node:
        """A reference is followed, so that a shared schema is one node wherever it is used."""
        if isinstance(schema, dict) and "$ref" in schema and (self.document.is_30 or _SILENT.issuperset(schema)):
            schema, place = self.document.follow(schema, place)
        return Node(((schema, place),))

    def made(self, schema: dict[str, Any], place: Place) -> Part:
        """A schema of ours. One object for equal ones: nodes go by identity."""
        return self._made.setdefault(dumped(schema), schema), place

    def bare(self, schema: dict[str, Any], kept: frozenset[str]) -> Any:
        """The schema without its allOf and the choices that are not `kept`, always the same object; None when nothing
        else in it counts."""
        key = (id(schema), kept)
        if key not in self._bare:
            dropped = _ABOUT | (_OPENED - kept)
            rest = {name: value for name, value in schema.items() if name not in dropped}
            told = any(not name.startswith("x-") for name in rest)
            self._bare[key] = (schema, rest if told else None)
        return self._bare[key][1]


class SchemaView:
    """Raises ContractInvalid for what is no schema."""

    def __init__(self, schemas: Schemas, node: Node) -> None:
        self.schemas = schemas
        self.node = node
        self.never = False
        self.parts: list[tuple[dict[str, Any], Place]] = []
        self.choices: list[Choice] = []
        self._null_branch = False
        seen: set[int] = set()
        for schema, place in node.parts:
            self._open(schema, place, seen, ())
        # A variant that builds on the schema whose alternatives name it: that choice is made.
        self.choices = [choice for choice in self.choices if not self._made(choice, seen)]

    def _made(self, choice: Choice, seen: set[int]) -> bool:
        follow = self.schemas.document.follow
        return any(id(follow(schema, place)[0]) in seen for schema, place in choice.branches)

    def _open(self, schema: Any, place: Place, seen: set[int], path: tuple[int, ...], loose: bool = False) -> None:
        if schema is True or schema is None:
            return
        if schema is False:
            self.never = True
            return
        if not isinstance(schema, dict):
            raise ContractInvalid(read(place), "A schema is an object or a boolean.")
        if id(schema) in seen:
            if id(schema) in path and not loose:
                raise ContractInvalid(read(place), "The schema refers to itself by allOf and to nothing else.")
            return
        seen.add(id(schema))
        if len(path) > MAX_ALL_OF:
            detail = f"The schemas build on each other by allOf more than {MAX_ALL_OF} levels deep."
            raise ContractInvalid(read(place), detail, "Flatten the chain of allOf.")
        if len(seen) > MAX_PARTS:
            raise ContractInvalid(read(place), f"The schema consists of more than {MAX_PARTS} parts by allOf.")
        path = (*path, id(schema))
        if isinstance(schema.get("$ref"), str):
            self._open(*self.schemas.document.follow(schema, place), seen, path, loose)
            if self.schemas.document.is_30:
                return
        self.parts.append((schema, place))
        for at, branch in enumerate(_list(schema, "allOf", place)):
            self._open(branch, deeper(place, "allOf", str(at)), seen, path, loose)
        for keyword in CHOICES:
            if keyword in schema:
                self._choose(schema, keyword, place, seen, path)

    def _choose(
        self, schema: dict[str, Any], keyword: str, place: Place, seen: set[int], path: tuple[int, ...]
    ) -> None:
        branches, null = [], False
        for at, branch in enumerate(_list(schema, keyword, place)):
            there = deeper(place, keyword, str(at))
            if _is_null(branch):
                null = True
            else:
                branches.append((branch, there))
        if len(branches) == 1 and "discriminator" not in schema:
            self._null_branch = self._null_branch or null
            self._open(*branches[0], seen, path, loose=True)
        elif branches:
            self.choices.append(Choice(keyword, tuple(branches), null, schema, place))
        elif null:
            self.parts.append(({"type": "null"}, place))

    def each(self, keyword: str) -> list[tuple[Any, Place]]:
        """Its values, with the places of the schemas that say so."""
        if keyword not in self.keywords:
            return []
        return [(schema[keyword], place) for schema, place in self.parts if keyword in schema]

    def first(self, keyword: str, default: Any = None) -> Any:
        for schema, _ in self.parts:
            if keyword in schema:
                return schema[keyword]
        return default

    def at(self, keyword: str) -> Place:
        """Where the keyword stands, or would stand."""
        for schema, place in self.parts:
            if keyword in schema:
                return (place, keyword)
        return (self.node.place, keyword)

    @once
    def keywords(self) -> frozenset[str]:
        if len(self.parts) == 1:
            return frozenset(self.parts[0][0])
        return frozenset([name for schema, _ in self.parts for name in schema])

    @once
    def stated(self) -> frozenset[str] | None:
        """The types that it says or means, without null; None where any value may stand."""
        if self.never:
            return frozenset()
        found: frozenset[str] | None = None
        for value, _ in self.each("type"):
            kinds = _kinds(value)
            found = kinds if found is None else found & kinds
        if found is not None:
            return found
        listed = self.values
        if listed is not None:
            return frozenset(kind_of_value(value) for value in listed)
        for kind, words in _IMPLIED.items():
            if not self.keywords.isdisjoint(words):
                return frozenset({kind, "integer"}) if kind == "number" else frozenset({kind})
        return None

    @property
    def types(self) -> frozenset[str]:
        return ANY if self.stated is None else self.stated

    @once
    def values(self) -> list[Any] | None:
        """What enum and const list, without null; None where nothing is listed."""
        listed: list[Any] | None = None
        for keyword in ("enum", "const"):
            for value, _ in self.each(keyword):
                some = value if keyword == "enum" else [value]
                if isinstance(some, list):
                    listed = some if listed is None else _both(listed, some)
        return None if listed is None else [value for value in listed if value is not None]

    @once
    def nullable(self) -> bool:
        if self.never:
            return False
        if self._null_branch and all(_may_be_null(schema) is not False for schema, _ in self.parts[:1]):
            return True
        if any(isinstance(schema, dict) and schema.get("nullable") is True for schema, _ in self.node.parts):
            return True
        if not all(_may_be_null(schema) is not False for schema, _ in self.parts):
            return False
        if self.stated is not None and not any(_may_be_null(schema) for schema, _ in self.parts):
            return False
        return all(choice.null or self._any_null(choice) for choice in self.choices)

    def _any_null(self, choice: Choice) -> bool:
        self.__dict__["nullable"] = False  # within a circle of choices
        if self.schemas.nested >= MAX_NESTED:
            return False
        self.schemas.nested += 1
        try:
            return any(self.schemas.view(self.schemas.node(*one)).nullable for one in choice.branches)
        finally:
            self.schemas.nested -= 1

    @once
    def properties(self) -> dict[str, tuple[Part, ...]]:
        """Those that travel this way, by name."""
        return {name: parts for name, parts in self.declared.items() if not self.is_hidden(name)}

    @once
    def declared(self) -> dict[str, tuple[Part, ...]]:
        """All of them."""
        found: dict[str, tuple[Part, ...]] = {}
        for value, place in self.each("properties"):
            if not isinstance(value, dict):
                raise ContractInvalid(read((place, "properties")), "properties is no object.")
            for name, schema in value.items():
                found[name] = (*found.get(name, ()), (schema, deeper(place, "properties", name)))
        return found

    def at_name(self, name: str) -> Node:
        parts = self.declared[name]
        return self.schemas.node(*parts[0]) if len(parts) == 1 else Node(parts)

    def is_hidden(self, name: str) -> bool:
        return any(self._marked(schema, place, 4) for schema, place in self.declared.get(name, ()))

    def _marked(self, schema: Any, place: Place, depth: int) -> bool:
        if not isinstance(schema, dict) or not depth:
            return False
        word = self.schemas.side.hidden
        if schema.get(word) is True:
            return True
        if isinstance(schema.get("$ref"), str):
            return self._marked(*self.schemas.document.follow(schema, place), depth - 1)
        branches = schema.get("allOf")
        return isinstance(branches, list) and any(self._marked(one, place, depth - 1) for one in branches)

    @once
    def required(self) -> frozenset[str]:
        """The names that have to be there, of what travels this way."""
        names: set[str] = set()
        for value, _ in self.each("required"):
            if isinstance(value, list):  # a boolean there is draft 3, and a common slip
                names.update(name for name in value if isinstance(name, str))
        return frozenset(name for name in names if name not in self.declared or not self.is_hidden(name))

    @once
    def closed(self) -> bool:
        """No other properties than those declared."""
        return any(
            value is False for word in ("additionalProperties", "unevaluatedProperties") for value, _ in self.each(word)
        )

    @once
    def additional(self) -> Node | None:
        """What undeclared properties have to be, where it says so."""
        found = tuple(
            (value, (place, word))
            for word in ("additionalProperties", "unevaluatedProperties")
            for value, place in self.each(word)
            if isinstance(value, dict) and value
        )
        return None if not found else self.schemas.node(*found[0]) if len(found) == 1 else Node(found)

    def item(self, index: int | None) -> Node | None:
        """What the item at an index has to be, or of those after all listed ones; None: anything."""
        found = [part for schema, place in self.parts for part in _item(schema, place, index)]
        return None if not found else self.schemas.node(*found[0]) if len(found) == 1 else Node(tuple(found))

    @once
    def listed_items(self) -> int:
        words = ("prefixItems", "items")
        return max((len(value) for word in words for value, _ in self.each(word) if isinstance(value, list)), default=0)

    @property
    def anything(self) -> bool:
        return self.stated is None and not self.choices and self.values is None


def _item(schema: dict[str, Any], place: Place, index: int | None) -> Iterator[Part]:
    rest_word = "items"
    for word in ("prefixItems", "items"):
        listed = schema.get(word)
        if isinstance(listed, list):
            if index is not None and index < len(listed):
                yield listed[index], deeper(place, word, str(index))
                return
            rest_word = "items" if word == "prefixItems" else "additionalItems"
    for word in (rest_word, "unevaluatedItems"):
        if word in schema and not isinstance(schema[word], list):
            yield schema[word], (place, word)
            return


def _list(schema: dict[str, Any], keyword: str, place: Place) -> list[Any]:
    value = schema.get(keyword)
    if value is None:
        return []
    if not isinstance(value, list):
        raise ContractInvalid(read((place, keyword)), f"{keyword} is no list.")
    return value


def _is_null(schema: Any) -> bool:
    """Null and nothing else."""
    if not isinstance(schema, dict):
        return False
    return (
        schema.get("type") in ("null", ["null"])
        or schema.get("enum") == [None]
        or ("const" in schema and schema["const"] is None)
        or (schema.get("nullable") is True and _SILENT.issuperset(schema.keys() - {"nullable"}))
    )


def _may_be_null(schema: dict[str, Any]) -> bool | None:
    """None where the schema alone does not say."""
    if schema.get("nullable") is True:
        return True
    stated = schema.get("type")
    if stated is not None:
        # YAML makes a null of the word null without quotes; nobody means anything else by it here.
        return stated == "null" or (isinstance(stated, list) and ("null" in stated or None in stated))
    for keyword in ("enum", "const"):
        if keyword in schema:
            listed = schema[keyword] if keyword == "enum" else [schema[keyword]]
            return isinstance(listed, list) and any(value is None for value in listed)
    return None


def _kinds(stated: Any) -> frozenset[str]:
    """`number` stands for numbers that are no integers, beside `integer`."""
    listed = stated if isinstance(stated, list) else [stated]
    named = {one for one in listed if isinstance(one, str)}
    if "number" in named:
        named.add("integer")
    if "any" in named:  # written in old documents
        return ANY
    if "file" in named:  # left from Swagger 2.0
        named.add("string")
    return frozenset(named - {"null", "any", "file"})  # an unknown word is a type of its own


def kind_of_value(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return "integer"
    if isinstance(value, float):
        return "number"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"


def _both(one: list[Any], other: list[Any]) -> list[Any]:
    there = {dumped(value) for value in other}
    return [value for value in one if dumped(value) in there]
