"""A version as others write it, as the semantic version of a contract: three numbers, the first of them not 0."""

from __future__ import annotations

import re

from interlock.contracts.importing.note import Notes
from interlock.contracts.semver import SemanticVersion

_NUMBERS = re.compile(r"[vV]?(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?")
_DATE = re.compile(r"(?:19|20)\d\d[-.]?[01]\d[-.]?[0-3]\d")
FIRST = SemanticVersion(1, 0, 0)


def source_version(stated: object, source: str, notes: Notes) -> SemanticVersion:
    """2 and v2.0 are 2.0.0. Whatever says more or less than three numbers is noted."""
    text = str(stated).strip() if stated is not None else ""
    match = _NUMBERS.match(text)
    if not match or _DATE.match(text):
        notes.add(
            source, "changed", f"The version {text or '(none)'} became {FIRST}.",
            "A contract's version is three numbers, which say what a change means for its readers.",
            "Import with --version to choose another first one.",
        )  # fmt: skip
        return FIRST
    version = SemanticVersion(int(match[1]), int(match[2] or 0), int(match[3] or 0))
    if version.major == 0:
        notes.add(
            source, "changed", f"The version {text} became {FIRST}.",
            "Versions below 1.0.0 promise nothing; a contract here does.",
            "Import with --version to choose another first one.",
        )  # fmt: skip
        return FIRST
    if text != str(version):
        notes.add(
            source, "changed", f"The version {text} became {version}.",
            "A contract's version is three numbers, without suffix.", "Nothing to do.",
        )  # fmt: skip
    return version
