"""Finds secrets written into the files of an estate."""

from __future__ import annotations

import re
from collections.abc import Iterator

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
        if len(content) <= LARGEST_BYTES:
            for line, shape in secrets_in(content, assigned=path.endswith(".toml")):
                findings.add("SECRET_LITERAL", path, line, f"This line holds {shape}.")


def secrets_in(content: bytes, *, assigned: bool = False) -> Iterator[tuple[int, str]]:
    """Line and shape of each; `assigned`: also what stands behind a name like `password =`."""
    if b"\0" in content:
        return
    for shape, pattern in SHAPES:
        for match in pattern.finditer(content):
            yield content.count(b"\n", 0, match.start()) + 1, shape
    for match in _ASSIGNED.finditer(content) if assigned else ():
        yield content.count(b"\n", 0, match.end()) + 1, "a secret as a literal"
