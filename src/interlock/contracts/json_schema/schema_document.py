"""A document whose schemas refer to each other: `$ref` by pointer, `$anchor` and `$id` (2020-12 core, section 8.2).

Never fetches. What leaves the document, points at nothing or runs in a circle without consuming anything is invalid.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin

import jsonschema_rs
from jsonschema_rs import ValidationError

from interlock.contracts import pointer
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.json_schema.dialect import DEFAULT, FOREIGN, REF_ALONE, Dialect, dialect_of
from interlock.contracts.json_schema.keywords import BY_NAME, DATA, parts, schemas
from interlock.contracts.json_schema.shallow import shallow
from interlock.contracts.json_schema.validator import Validator, compiled, registry

# Where a document lives that does not say so; never asked for.
_HOME = "https://document.invalid/"
# Of schemas in a document. In a larger one, a validator of a part costs as much as one of the whole.
LARGE = 3_000
MAX_HEAVY = 4
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_NAMES = frozenset({"$id", "id", "$anchor", "$dynamicAnchor"})
_DYNAMIC = frozenset({"$dynamicRef", "$recursiveRef"})


class SchemaDocument:
    """Indexed once. `dialect` follows `$schema` of the root; an OpenAPI document has none and counts as 2020-12."""

    def __init__(self, root: Any, dialect: Dialect | None = None) -> None:
        self.root = root
        self.dialect = dialect or (dialect_of(root) if isinstance(root, dict) else DEFAULT)
        self.ref_alone = self.dialect in REF_ALONE
        self._bases: dict[int, str] = {}
        self._resources: dict[str, Any] = {"": root}
        self._anchors: dict[tuple[str, str], Any] = {}
        self._targets: dict[tuple[str, str], Any] = {}
        self._made: dict[str, Any] = {}
        self._validators: dict[int, tuple[Any, Validator]] = {}
        self._shallow: dict[int, tuple[Any, Any, Validator]] = {}
        self._closed: dict[int, tuple[Any, bool]] = {}
        self._spoken: dict[int, tuple[Any, Any]] = {}
        self._dynamic: Counter[str] = Counter()
        self.size = 0
        self.told_apart: dict[int, tuple[Any, Any]] = {}
        self._heavy: list[int] = []
        self._places: dict[int, tuple[str, ...]] = {}
        self._index()

    def made(self, schema: dict[str, Any]) -> dict[str, Any]:
        """One object for equal schemas that we make up: the machinery goes by identity, and so by lifetime."""
        return self._made.setdefault(repr(schema), schema)  # type: ignore[no-any-return]

    def spoken(self, schema: Any) -> Any:
        """The schema without the keywords of other drafts, which say nothing here; mostly itself.

        A dynamic reference that can mean one place only is an ordinary one.
        """
        foreign = FOREIGN[self.dialect]
        if not isinstance(schema, dict) or (foreign.isdisjoint(schema) and _DYNAMIC.isdisjoint(schema)):
            return schema
        known = self._spoken.get(id(schema))
        if known is None:
            plain = {name: value for name, value in schema.items() if name not in foreign}
            known = self._spoken[id(schema)] = (schema, self._static(schema, plain))
            self._bases[id(known[1])] = self._bases.get(id(schema), "")
        return known[1]

    def _static(self, schema: dict[str, Any], plain: dict[str, Any]) -> dict[str, Any]:
        """2020-12 core, section 8.2.3.2; 2019-09 core, section 8.2.4.2.1."""
        for name in _DYNAMIC & plain.keys():
            reference = plain[name]
            if "$ref" in plain or not isinstance(reference, str):
                continue
            _, fragment = urldefrag(reference)
            several = self._dynamic[""] if name == "$recursiveRef" else self._dynamic[fragment]
            if several <= 1:
                plain = {"$ref": reference, **{one: value for one, value in plain.items() if one != name}}
        return plain

    def admits(self, schema: Any, value: Any) -> bool:
        """Whether the validator takes `value` by this schema, whose references mean this document."""
        if schema is True or schema is False:
            return schema
        return self._compiled(schema).is_valid(value)

    def _compiled(self, schema: Any) -> Validator:
        known = self._validators.get(id(schema))
        if known is not None:
            return known[1]
        made = self._validator(schema)
        if not self.is_exact(schema):
            self._heavy.append(id(schema))
            if len(self._heavy) > MAX_HEAVY:
                del self._validators[self._heavy.pop(0)]
        self._validators[id(schema)] = (schema, made)
        return made

    def is_exact(self, schema: Any) -> bool:
        """Whether `seems` is `admits`."""
        return self.size <= LARGE or schema is self.root or self.refers_to_nothing(schema)

    def seems(self, schema: Any, value: Any) -> bool:
        """`admits`, or for a part of a large document nearly: what it refers to inside the value is not looked at."""
        if self.is_exact(schema):
            return self.admits(schema, value)
        known = self._shallow.get(id(schema))
        if known is None:
            plain = shallow(self, schema)
            known = self._shallow[id(schema)] = (schema, plain, compiled(plain, dialect=self.dialect))
        return known[2].is_valid(value)

    def errors(self, schema: Any, value: Any) -> Iterator[ValidationError]:
        """What the validator has against it."""
        if isinstance(schema, bool):
            return iter(compiled(schema, dialect=self.dialect).iter_errors(value))
        return iter(self._compiled(schema).iter_errors(value))

    def _validator(self, schema: Any) -> Validator:
        if schema is self.root or self.refers_to_nothing(schema):
            return compiled(schema, dialect=self.dialect)
        moved = _moved(schema, self._bases.get(id(schema)) or self._home)
        return compiled(moved, dialect=self.dialect, registry=self._registry)

    @property
    def _home(self) -> str:
        return self._bases.get(id(self.root)) or _HOME

    @cached_property
    def _registry(self) -> jsonschema_rs.Registry:
        return registry({self._home: self.root}, self.dialect)

    def refers_to_nothing(self, schema: Any) -> bool:
        """No reference in it: its text is its meaning."""
        known = self._closed.get(id(schema))
        if known is None:
            known = self._closed[id(schema)] = (schema, not _refers(schema))
        return known[1]

    def target(self, schema: Any, reference: Any) -> Any:
        """The schema that a `$ref` standing in `schema` means, one hop."""
        if not isinstance(reference, str):
            raise ContractInvalid("", "A $ref is a text.")
        key = (self._bases.get(id(schema), ""), reference)
        if key not in self._targets:
            self._targets[key] = self._found(*key)
        return self._targets[key]

    def _found(self, base: str, reference: str) -> Any:
        uri, fragment = urldefrag(urljoin(base, reference) if base else reference)
        if not uri and base:
            uri = base
        if uri not in self._resources:
            raise ContractInvalid("", f"{reference} leaves the document; references are never fetched.")
        fragment = unquote(fragment)
        if fragment and not fragment.startswith("/"):
            found = self._anchors.get((uri, fragment), pointer.ABSENT)
        else:
            found = pointer.find(self._resources[uri], pointer.split(fragment))
        if not isinstance(found, (dict, bool)):
            raise ContractInvalid("", f"{reference} points at no schema.")
        return found

    def _index(self) -> None:
        named = "id" if self.dialect == "4" else "$id"
        stack: list[tuple[Any, str, Any]] = [(self.root, "", None)]
        while stack:
            value, base, trail = stack.pop()
            if isinstance(value, list):
                stack.extend((part, base, (trail, (str(at),))) for at, part in enumerate(value))
            elif isinstance(value, dict):
                self.size += 1
                base = self._entered(value, base, value.get(named))
                if not _NAMES.isdisjoint(value):
                    self._places[id(value)] = _tokens(trail)
                stack.extend((part, base, (trail, tokens)) for tokens, part in parts(value))

    def place(self, schema: Any, reference: str, found: Any) -> tuple[str, ...]:
        """The pointer to `found`, which a reference standing in `schema` means."""
        uri, fragment = urldefrag(reference)
        if fragment and not fragment.startswith("/"):
            return self._places[id(found)]
        base = self._bases.get(id(schema), "")
        resource = self._resources.get(urldefrag(urljoin(base, uri) if base else uri)[0] or base, self.root)
        return (*self._places.get(id(resource), ()), *pointer.split(unquote(fragment)))

    def _entered(self, value: dict[str, Any], base: str, identity: Any) -> str:
        if isinstance(identity, str) and not (self.ref_alone and "$ref" in value):
            uri, fragment = urldefrag(urljoin(base or _HOME, identity))
            if fragment:  # drafts 4 to 7: an anchor in the clothes of an id
                self._anchors[base, fragment] = value
            else:
                base = uri
                self._resources[uri] = value
        if base:
            self._bases[id(value)] = base
        for name in ("$anchor", "$dynamicAnchor"):
            if isinstance(value.get(name), str):
                self._anchors[base, value[name]] = value
                self._dynamic[value[name]] += name == "$dynamicAnchor"
        self._dynamic[""] += value.get("$recursiveAnchor") is True
        return base


def _tokens(trail: Any) -> tuple[str, ...]:
    """A trail is the trail above and the tokens from there."""
    found: list[tuple[str, ...]] = []
    while trail is not None:
        trail, tokens = trail
        found.append(tokens)
    return tuple(token for tokens in reversed(found) for token in tokens)


def _refers(value: Any) -> bool:
    return any(name in one for one in schemas(value) for name in _REFERENCES)


def _moved(value: Any, base: str) -> Any:
    """A copy that may stand elsewhere: its references name the document that they mean."""
    if isinstance(value, list):
        return [_moved(part, base) for part in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("$id"), str):
        base = urljoin(base, value["$id"])
    made: dict[str, Any] = {}
    for name, part in value.items():
        if name in BY_NAME and isinstance(part, dict):
            made[name] = {one: _moved(inner, base) for one, inner in part.items()}
        elif name in _REFERENCES and isinstance(part, str):
            made[name] = _absolute(base, part)
        else:
            made[name] = part if name in DATA else _moved(part, base)
    return made


def _absolute(base: str, reference: str) -> str:
    # urljoin knows nothing of urn:, and most references are a bare fragment.
    return base + reference if reference.startswith("#") else urljoin(base, reference)
