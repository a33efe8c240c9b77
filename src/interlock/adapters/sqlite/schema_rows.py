"""Rows of the registry's tables as the port's values, and back."""

from __future__ import annotations

import json
from typing import Any

from interlock.ports.schema_store import Reference, SchemaContent, SchemaVersion


def version_row(row: tuple[Any, ...]) -> SchemaVersion:
    subject, version, number, kind, text, references, metadata, deleted = row
    return SchemaVersion(subject, version, number, content_row((kind, text, references, metadata)), bool(deleted))


def content_row(row: tuple[Any, ...]) -> SchemaContent:
    kind, text, references, metadata = row
    return SchemaContent(kind, text, tuple(Reference(*one) for one in json.loads(references)), metadata)


def references_text(content: SchemaContent) -> str:
    return json.dumps([list(one) for one in content.references])
