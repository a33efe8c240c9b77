"""Whether a JSON Schema can be worked with: it compiles, every reference leads to a schema, and judging by it ends."""

from __future__ import annotations

from typing import Any

from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.json_schema.dialect import Dialect
from interlock.contracts.json_schema.references import bomb, circle, dangling
from interlock.contracts.json_schema.schema_document import SchemaDocument
from interlock.contracts.json_schema.validator import compiled, refuse_deep


def sound(schema: Any, dialect: Dialect) -> SchemaDocument:
    """Raises ContractInvalid, with the place, for what cannot be judged by: no schema, or one that never ends."""
    try:
        compiled(schema, dialect=dialect)
    except ContractInvalid as problem:
        if problem.pointer or not isinstance(schema, dict):
            raise
        refuse_deep(schema)
        raise dangling(SchemaDocument(schema, dialect)) or problem from None
    document = SchemaDocument(schema, dialect)
    refuse_endless(document)
    return document


def refuse_endless(document: SchemaDocument) -> None:
    """Raises ContractInvalid for references by which judging one value would not end, or not soon."""
    endless = circle(document) or bomb(document)
    if endless is not None:
        raise endless
