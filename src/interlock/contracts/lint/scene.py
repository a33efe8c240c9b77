"""What a rule sees besides the object that it looks at."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Literal

from interlock.contracts import local_reference
from interlock.contracts.local_reference import ReferenceInvalid

Language = Literal["openapi", "asyncapi", "json-schema"]
At = tuple[Any, str | int] | None
"""A place as a chain: (the place of the owner, the name in it); None is the whole document."""

_OUR_FORMATS = ("application/vnd.aai.asyncapi", "application/schema+json", "application/schema+yaml")
_NAMING = frozenset({"properties", "$defs"})


def tokens(at: At) -> tuple[str | int, ...]:
    """From the root."""
    found: list[str | int] = []
    while at is not None:
        at, token = at
        found.append(token)
    return tuple(reversed(found))


class Scene:
    """One document while it is walked.

    at          where the walk stands
    kind        of the object that is looked at, as the grammar names it
    owners      the object that is looked at, and those around it, outermost first
    language    openapi, asyncapi or json-schema
    version     "3.0", "3.1" …; of a JSON Schema the year or number of its draft
    governed    whether the rules for contracts of our own hold
    references  each local reference with the first place that makes it, as the walk finds them
    mapped      names of schemas that a discriminator means
    memo        what a rule remembers from one object to the next, by the rule's own word
    """

    def __init__(self, document: Any, language: Language, version: str, name: str = "", governed: bool = True) -> None:
        self.document = document
        self.language = language
        self.version = version
        self.name = name
        self.governed = governed
        self.at: At = None
        self.kind = ""
        self.owners: list[dict[str, Any]] = []
        self.references: dict[str, At] = {}
        self.mapped: set[str] = set()
        self.memo: dict[str, Any] = {}
        self._followed: dict[str, tuple[str, Any]] = {}

    def token(self, up: int = 0) -> str:
        """The name of the object in its owner; `up` 1: of the owner in its own, and so on. "" is the document."""
        at = self.at
        for _ in range(up):
            at = at[0] if at else None
        return str(at[1]) if at else ""

    def foreign(self, message: dict[str, Any]) -> bool:
        """Whether the payload of an AsyncAPI message is described in another language: Avro, say."""
        payload = message.get("payload")
        stated = message.get("schemaFormat", payload.get("schemaFormat") if isinstance(payload, dict) else None)
        return isinstance(stated, str) and not stated.startswith(_OUR_FORMATS)

    def subject(self, at: At) -> str:
        """customer.phone, as a person says it; or the name of the contract."""
        path = tokens(at)
        fields = [str(part) for before, part in pairwise(path) if before in _NAMING]
        return ".".join(fields) or self.name or "The document"

    def inside(self, *names: str) -> bool:
        """Whether the walk stands beneath one of these members."""
        at = self.at
        while at is not None:
            at, token = at
            if token in names:
                return True
        return False

    def followed(self, node: Any) -> Any:
        """What a local reference means in the end; the node itself without one; {} when it means nothing."""
        return self.place_followed(node)[1]

    def place_followed(self, node: Any) -> tuple[str, Any]:
        """The same with its pointer, "" when there was no reference."""
        reference = node.get("$ref") if isinstance(node, dict) else None
        if not isinstance(reference, str):
            return "", node
        known = self._followed.get(reference)
        if known is None:
            try:
                known = local_reference.followed(self.document, node)
            except ReferenceInvalid:
                known = ("", {})
            self._followed[reference] = known
        return known

    def objects(self, parts: Any) -> Iterator[tuple[int, dict[str, Any]]]:
        """Each object of a list that may hold references, followed, with its index."""
        for index, part in enumerate(parts if isinstance(parts, list) else ()):
            whole = self.followed(part)
            if isinstance(whole, dict):
                yield index, whole
