"""Rows of the registry's tables as the port's values, and back: part of the storage formats."""

from __future__ import annotations

import json
from typing import Any

from interlock.ports.schema_store import Reference, SchemaContent, SchemaVersion


def version_row(row: tuple[Any, ...]) -> SchemaVersion:
    subject, version, number, deleted, *content = row
    return SchemaVersion(subject, version, number, content_row(tuple(content)), bool(deleted))


def content_row(row: tuple[Any, ...]) -> SchemaContent:
    kind, text, fingerprint, references, metadata = row
    return SchemaContent(kind, text, fingerprint, tuple(Reference(*one) for one in json.loads(references)), metadata)


def references_text(content: SchemaContent) -> str:
    return json.dumps([list(one) for one in content.references])
