"""SARIF 2.1.0 (OASIS), as code scanning reads it."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import quote

from interlock.contracts.report.entry import Entry, Report

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"error": "error", "warning": "warning", "info": "note"}


def sarif(report: Report, version: str) -> dict[str, Any]:
    """One run. `version` is that of the tool."""
    ids = list(dict.fromkeys(entry.rule for entry in report.entries))
    rules = [_rule(one, report.purposes.get(one, "")) for one in ids]
    driver = {"name": "interlock", "version": version, "rules": rules}
    results = [_result(entry, ids.index(entry.rule)) for entry in report.entries]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: str, purpose: str) -> dict[str, Any]:
    return {"id": rule, "shortDescription": {"text": purpose}} if purpose else {"id": rule}


def _result(entry: Entry, index: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": entry.rule,
        "ruleIndex": index,
        "level": _LEVELS[entry.gravity],
        "message": {"text": entry.words},
        "locations": [_location(entry)],
        "partialFingerprints": {"interlock/v1": _fingerprint(entry)},
    }
    if entry.waived is not None:
        result["suppressions"] = [{"kind": "external", "justification": entry.waived}]
    return result


def _location(entry: Entry) -> dict[str, Any]:
    artifact = {"uri": quote(entry.file, safe="/-._~")}
    physical = {"artifactLocation": artifact, "region": {"startLine": entry.line}}
    return {
        "physicalLocation": physical,
        "logicalLocations": [{"fullyQualifiedName": f"{entry.file}#{entry.pointer}", "kind": "member"}],
    }


def _fingerprint(entry: Entry) -> str:
    """Stays when lines move."""
    text = "\n".join((entry.rule, entry.file, entry.pointer, entry.message))
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
