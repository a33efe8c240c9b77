"""Whether a schema may follow earlier ones of its subject, in the words of the Confluent registry, with our reasons."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast

import msgspec

from interlock.contracts.comparison import ChangeFinding, Mode, Reading, refused
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.diff import compare
from interlock.registry.schema_reading import KINDS, ReadSchema

_WITNESS_CHARACTERS = 300
# What Avro's own SchemaCompatibility (Java, 1.12) calls it, for those who look for its words.
ERROR_TYPES: dict[str, str] = {
    "field-added-without-default": "READER_FIELD_MISSING_DEFAULT_VALUE",
    "field-without-default-removed": "READER_FIELD_MISSING_DEFAULT_VALUE",
    "field-renamed": "READER_FIELD_MISSING_DEFAULT_VALUE",
    "type-renamed": "NAME_MISMATCH",
    "fixed-size-changed": "FIXED_SIZE_MISMATCH",
    "enum-symbol-removed": "MISSING_ENUM_SYMBOLS",
    "enum-symbol-added": "MISSING_ENUM_SYMBOLS",
    "union-removed": "MISSING_UNION_BRANCH",
    "union-introduced": "MISSING_UNION_BRANCH",
    "union-branch-removed": "MISSING_UNION_BRANCH",
    "union-branch-added": "MISSING_UNION_BRANCH",
    "type-narrowed": "TYPE_MISMATCH",
    "type-widened": "TYPE_MISMATCH",
    "type-changed": "TYPE_MISMATCH",
}


class Earlier(NamedTuple):
    """One earlier version, and the level by which it is asked; `carried` says what is still stored by it."""

    version: int
    schema: ReadSchema
    level: str
    carried: str = ""


def objections(new: ReadSchema, olds: Sequence[Earlier], level: str, policy: Reading) -> list[str]:
    """Empty when compatible. All of `olds` are asked, newest first; bounded by the differs' own budgets."""
    found: list[str] = []
    for old in olds:
        said = _against(new, old, policy)
        if said:
            found += [*said, f"{{oldSchemaVersion: {old.version}}}", f"{{oldSchema: '{old.schema.text}'}}"]
            if old.carried:
                found.append(f"{{carriedBy: '{old.carried}'}}")
    return [*found, f"{{compatibility: '{level}'}}"] if found else []


def undecided(level: str, why: str) -> list[str]:
    """What cannot be decided counts as incompatible."""
    return [_said("UNDECIDED", f"Whether it is compatible was not decided: {why}", ""), f"{{compatibility: '{level}'}}"]


def _against(new: ReadSchema, old: Earlier, policy: Reading) -> list[str]:
    if old.schema.type != new.type:
        detail = f"the subject holds {old.schema.type}, this is {new.type}"
        return [_said("SCHEMA_TYPE_CHANGED", detail, "")]
    mode = cast("Mode", old.level.removesuffix("_TRANSITIVE"))
    try:
        comparison = compare(old.schema.complete, new.complete, mode=mode, reading=policy, kind=KINDS[new.type])
    except ContractInvalid as invalid:
        return [_said("NOT_COMPARABLE", invalid.detail, invalid.pointer)]
    names = ERROR_TYPES if new.type == "AVRO" else {}
    return [_finding(one, names) for one in comparison.findings if refused(one)]


def _finding(finding: ChangeFinding, names: Mapping[str, str]) -> str:
    message = finding.message
    if finding.witness is not msgspec.UNSET:
        text = json.dumps(finding.witness, ensure_ascii=False, separators=(",", ":"))
        message += f" It shows on: {text[:_WITNESS_CHARACTERS]}{' …' if len(text) > _WITNESS_CHARACTERS else ''}"
    return _said(names.get(finding.rule, finding.rule), f"{message} ({finding.direction})", finding.path)


def _said(kind: str, description: str, place: str) -> str:
    return f"{{errorType:'{kind}', description:'{description}', additionalInfo:'{place}'}}"
