"""Metadata and rules of a schema, which the registry keeps for the clients: one JSON text in the store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from interlock.registry.config import Config
from interlock.registry.schema_reading import AskedSchema

# The property by which a version says which contract version of its estate it is.
VERSION = "interlock.version"


def stored(metadata: Any, rules: Any) -> str:
    """The text of both; "" for none."""
    parts = {name: value for name, value in (("metadata", metadata), ("ruleSet", rules)) if value}
    return json.dumps(parts, ensure_ascii=False, separators=(",", ":"), sort_keys=True) if parts else ""


def shown(text: str) -> dict[str, Any]:
    """`metadata` and `ruleSet` as an answer has them."""
    return dict(json.loads(text)) if text else {}


def properties(text: str) -> Mapping[str, str]:
    return (shown(text).get("metadata") or {}).get("properties") or {}


def group_of(text: str, group: str) -> str | None:
    return properties(text).get(group)


def with_defaults(asked: AskedSchema, config: Config) -> AskedSchema:
    """What the config adds before and puts over what the request says, member by member."""
    if not (config.default_metadata or config.override_metadata):
        return asked
    parts = shown(asked.metadata)
    made: dict[str, Any] = {}
    for layer in (config.default_metadata, parts.get("metadata"), config.override_metadata):
        for name, value in (layer or {}).items():
            both = isinstance(value, dict) and isinstance(made.get(name), dict)
            made[name] = {**made[name], **value} if both else value
    return asked._replace(metadata=stored(made, parts.get("ruleSet")))
