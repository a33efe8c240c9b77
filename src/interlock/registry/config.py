"""What may be set for a subject, for a context or for all: compatibility and how schemas are taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from interlock.contracts.comparison import MODES, Reading
from interlock.registry.refusal import BAD_REQUEST, INVALID_LEVEL

POLICIES: tuple[Reading, ...] = ("STRICT", "LENIENT")


class Config(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel", kw_only=True):
    """None: says nothing, so the next scope is asked.

    alias                the subject that is meant by this name
    compatibility_group  a property of `metadata`: only versions that agree in it are compared
    compatibility_policy how open and closed content models of JSON Schema are read: see contracts.comparison.Reading
    """

    compatibility_level: str | None = None
    normalize: bool | None = None
    alias: str | None = None
    compatibility_group: str | None = None
    compatibility_policy: Reading | None = None
    default_metadata: dict[str, Any] | None = None
    override_metadata: dict[str, Any] | None = None


FIELDS = frozenset(field.encode_name for field in msgspec.structs.fields(Config))
DEFAULTS = Config(compatibility_level="BACKWARD", normalize=False, compatibility_policy="STRICT")


def updated(config: Config, changes: Mapping[str, Any]) -> Config:
    """With the members of a request taken over; null takes one back. Raises Refusal."""
    changes = dict(changes)
    if "compatibility" in changes:  # what PUT calls it
        changes["compatibilityLevel"] = changes.pop("compatibility")
    level = changes.get("compatibilityLevel")
    if level is not None:
        changes["compatibilityLevel"] = level = level.upper() if isinstance(level, str) else level
        if level not in MODES:
            raise INVALID_LEVEL()
    policy = changes.get("compatibilityPolicy")
    if policy is not None and policy not in POLICIES:
        raise BAD_REQUEST(f"compatibilityPolicy is one of {', '.join(POLICIES)}.")
    try:
        return msgspec.convert({**msgspec.to_builtins(config), **changes}, Config)
    except msgspec.ValidationError as error:
        raise BAD_REQUEST(f"The config is wrong: {error}.") from None


def merged(configs: list[Config]) -> Config:
    """Member by member the first that says something, nearest scope first."""
    found: dict[str, Any] = {}
    for config in configs:
        for name, value in msgspec.structs.asdict(config).items():
            if found.get(name) is None:
                found[name] = value
    return Config(**found)
