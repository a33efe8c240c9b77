"""Finds secrets written into the files of an estate."""

from __future__ import annotations

import re

from interlock.estate.findings import Findings
from interlock.estate.folder import Folder

# Shapes that are secrets wherever they stand. The name of the shape is shown, never the match.
SHAPES: tuple[tuple[str, re.Pattern[bytes]], ...] = (
    ("a Standard Webhooks secret", re.compile(rb"\bwhs(?:ec|k)_[A-Za-z0-9+/=]{24,}")),
    ("a Stripe key", re.compile(rb"\b[sr]k_live_[A-Za-z0-9]{16,}")),
    ("an AWS access key", re.compile(rb"\bAKIA[0-9A-Z]{16}\b")),
    ("a GitHub token", re.compile(rb"\bgh[pousr]_[A-Za-z0-9]{36,}")),
    ("a private key", re.compile(rb"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----")),
    ("a password in a URL", re.compile(rb"\b[a-z][a-z0-9+.-]*://[^\s:/@\"']+:[^\s:/@\"'${}]+@")),
)
_ASSIGNED = re.compile(
    rb"(?im)^[ \t]*(?:[\w-]*(?:secret|password|token|api_?key))[ \t]*=[ \t]*([\"'])(?!env:)[^\"'\n]+\1"
)
LARGEST_BYTES = 1_048_576


def find_secrets(folder: Folder, findings: Findings) -> None:
    """Text files up to a MiB; data files larger than that are no place to read for secrets on every check."""
    for path, content in folder.files.items():
        if len(content) > LARGEST_BYTES or b"\0" in content:
            continue
        for shape, pattern in SHAPES:
            for match in pattern.finditer(content):
                _add(findings, path, content, match.start(), shape)
        if path.endswith(".toml"):
            for match in _ASSIGNED.finditer(content):
                _add(findings, path, content, match.end(), "a secret as a literal")


def _add(findings: Findings, path: str, content: bytes, place: int, shape: str) -> None:
    line = content.count(b"\n", 0, place) + 1
    findings.add("SECRET_LITERAL", path, line, f"This line holds {shape}.")
