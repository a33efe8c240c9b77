"""What a mock remembers: POST creates, GET finds, PUT and PATCH change, DELETE removes. Nothing outlives the mock."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from interlock.contracts.api.description import ApiDescription, Operation
from interlock.contracts.api.parameter_values import typed
from interlock.contracts.document_schema import DocumentSchema, SchemaInvalid
from interlock.contracts.mock.resources import GONE, Resource, Shelf, resources

_LAST_NUMBER = re.compile(r"(\d+)(?!.*\d)")


class Held(NamedTuple):
    """What the shelf says about a request.

    item    the object to answer with; None when the contract's own examples must do
    listed  the objects of a collection, None when nobody changed it
    gone    the item was deleted: 404
    exists  the item to create is there already: 409 where the contract has it
    keep    call with the object that was answered, once it was
    """

    item: dict[str, Any] | None = None
    listed: list[Any] | None = None
    gone: bool = False
    exists: bool = False
    location: str | None = None
    keep: Callable[[Any], None] = lambda answered: None


class Memory:
    """One mock's resources and its shelf."""

    def __init__(self, api: ApiDescription, seed: int) -> None:
        self._resources = resources(api)
        self._seed = seed
        self.shelf = Shelf()

    def held(self, operation: Operation, path: str, variables: Mapping[str, str], body: Any, base: Any) -> Held:
        """`base` is an example of what the operation answers: an object takes from it what the caller did not say."""
        resource = self._resources.get(operation.path)
        if resource is None:
            return Held()
        if operation.path == resource.collection:
            return self._collection(resource, operation, path.rstrip("/"), body, base)
        return self._item(resource, operation, path.rpartition("/")[0], variables[resource.variable], body, base)

    def _collection(self, resource: Resource, operation: Operation, path: str, body: Any, base: Any) -> Held:
        if operation.method == "GET":
            return Held(listed=self.shelf.all(path))
        if operation.method != "POST" or not isinstance(body, dict):
            return Held()
        own = body.get(resource.id_field)
        key = own if own is not None else self._fresh(resource, path, base)
        item = {**(base if isinstance(base, dict) else {}), **body, resource.id_field: key}
        exists = own is not None and self.shelf.get(path, str(own)) not in (None, GONE)

        def keep(answered: Any) -> None:
            self.shelf.put(path, str(key), answered if _speaks_of(answered, resource, key) else item)

        return Held(item=item, exists=exists, location=f"{path}/{key}", keep=keep)

    def _item(self, resource: Resource, operation: Operation, path: str, key: str, body: Any, base: Any) -> Held:
        found = self.shelf.get(path, key)
        if operation.method == "DELETE":
            return Held(gone=found is GONE, keep=lambda answered: self.shelf.put(path, key, GONE))
        if found is GONE and operation.method != "PUT":
            return Held(gone=True)
        item = found if isinstance(found, dict) else None
        if operation.method in ("PUT", "PATCH") and isinstance(body, dict):
            beneath = item if item is not None else (base if isinstance(base, dict) else {})
            changed = merge_patch(beneath, body) if operation.method == "PATCH" else {**beneath, **body}
            schema = resource.id_schema
            changed[resource.id_field] = beneath.get(resource.id_field) if item else typed(key, schema, schema)
            return Held(item=changed, keep=lambda answered: self.shelf.put(path, key, changed))
        return Held(item=item)

    def _fresh(self, resource: Resource, path: str, base: Any) -> Any:
        """An id that is free and that the contract takes: the example's own first, then its followers."""
        example = base.get(resource.id_field) if isinstance(base, dict) else None
        for turn in range(1, 10_000):
            key = _follower(resource.id_schema, example, turn, f"{self._seed}:{path}:{turn}")
            if self.shelf.get(path, str(key)) is None and _accepts(resource.id_schema, key):
                return key
        return example


def merge_patch(beneath: Any, patch: Any) -> Any:
    """JSON Merge Patch (RFC 7396 section 2)."""
    if not isinstance(patch, dict):
        return patch
    made = dict(beneath) if isinstance(beneath, dict) else {}
    for name, value in patch.items():
        if value is None:
            made.pop(name, None)
        else:
            made[name] = merge_patch(made.get(name), value)
    return made


def _speaks_of(answered: Any, resource: Resource, key: Any) -> bool:
    return isinstance(answered, dict) and answered.get(resource.id_field) == key


def _follower(schema: Any, example: Any, turn: int, salt: str) -> Any:
    """The turn-th id: 7, 8, 9 … or ORD-1, ORD-2 …; a UUID comes from the salt."""
    stated = schema if isinstance(schema, Mapping) else {}
    if isinstance(example, int) or stated.get("type") in ("integer", "number"):
        return (example if isinstance(example, int) else 1) + turn - 1
    if turn == 1 and isinstance(example, str):
        return example
    if stated.get("format") == "uuid":
        return _uuid(hashlib.sha256(salt.encode()).hexdigest())
    text = str(example) if example is not None else "item-0"
    number = _LAST_NUMBER.search(text)
    if number is None:
        return f"{text}-{turn}"
    following = str(int(number[1]) + turn - 1).zfill(len(number[1]))
    return text[: number.start(1)] + following + text[number.end(1) :]


def _uuid(digits: str) -> str:
    """Version 8 (RFC 9562 section 5.8): made of a hash, and says so."""
    return f"{digits[:8]}-{digits[8:12]}-8{digits[13:16]}-a{digits[17:20]}-{digits[20:32]}"


def _accepts(schema: Any, key: Any) -> bool:
    if not isinstance(schema, Mapping):
        return True
    try:
        return DocumentSchema({name: value for name, value in schema.items() if name != "$ref"}).is_valid(key)
    except SchemaInvalid:
        return True  # it leans on the rest of its document; the answer as a whole is checked later
