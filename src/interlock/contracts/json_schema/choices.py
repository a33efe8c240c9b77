"""How many alternatives a schema comes to when all its choices are written out: what a canonical form costs."""

from __future__ import annotations

from typing import Any

from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.json_schema.keywords import parts
from interlock.contracts.json_schema.schema_document import SchemaDocument

MAX_CHOICES = 5_000
_IN_PLACE = frozenset({"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependencies"})


class Choices:
    """Of the schemas of one document, each counted once; a recursion counts as one."""

    def __init__(self, document: SchemaDocument) -> None:
        self._document = document
        self._counted: dict[int, int] = {}

    def few(self, schema: Any) -> bool:
        """Whether neither this nor anything inside has more than MAX_CHOICES. Says no, too, where it cannot count."""
        try:
            return self._of(schema) <= MAX_CHOICES
        except (ContractInvalid, RecursionError, ValueError):
            return False

    def _of(self, schema: Any) -> int:
        if not isinstance(schema, dict):
            return 1
        if id(schema) not in self._counted:
            self._counted[id(schema)] = 1
            self._counted[id(schema)] = min(max(self._here(schema), self._inside(schema)), MAX_CHOICES + 1)
        return self._counted[id(schema)]

    def _here(self, schema: dict[str, Any]) -> int:
        count = 1
        for keyword in ("anyOf", "oneOf"):
            if schema.get(keyword):
                # Of oneOf the others have to fail, each in its own ways.
                several = len(schema[keyword]) if keyword == "oneOf" else 1
                count *= sum(self._of(one) for one in schema[keyword]) * several
        for one in schema.get("allOf", ()):
            count *= self._of(one)
        if "$ref" in schema:
            count *= self._of(self._document.target(schema, schema["$ref"]))
        if "not" in schema:
            count *= self._of(schema["not"]) * max(1, len(schema["not"]) if isinstance(schema["not"], dict) else 1)
        if "if" in schema:
            count *= 2 * self._of(schema.get("then")) * self._of(schema.get("else"))
        for keyword in ("dependentSchemas", "dependencies", "dependentRequired"):
            count *= 2 ** min(len(schema.get(keyword, ())), 20)
        return count

    def _inside(self, schema: dict[str, Any]) -> int:
        return max((self._of(one) for tokens, one in parts(schema) if tokens[0] not in _IN_PLACE), default=1)
