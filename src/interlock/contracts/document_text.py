"""A contract's text, JSON or YAML 1.2, as a value whose every place has a line.

JSON is strict (RFC 7493, see `strict_json`). YAML is read by the core schema of YAML 1.2 (section 10.3): no dates, no
`yes` and `no`; duplicate keys are refused, alias bombs too. Keys that are no strings (`200:` in OpenAPI's responses)
become their JSON text, so that both notations give the same value.
"""

from __future__ import annotations

import json
from functools import cached_property
from importlib import import_module
from typing import Any, Protocol

from interlock.contracts.document_unreadable import DocumentUnreadable as DocumentUnreadable
from interlock.contracts.positions import JsonLines
from interlock.contracts.strict_json import parse
from interlock.model.problems import CallerProblem

MAX_BYTES = 64 * 1024 * 1024
MAX_DEPTH = 256


class Lines(Protocol):
    def line(self, place: str) -> int: ...


class DocumentText:
    """`value` is parsed at once, lines only when somebody asks."""

    def __init__(self, content: bytes, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> None:
        """Raises DocumentUnreadable."""
        if len(content) > max_bytes:
            raise DocumentUnreadable(1, f"The document has {len(content)} bytes; the limit is {max_bytes}.")
        self._content = content
        self.is_json = _is_json(content)
        self.value: Any = _json(content, max_depth) if self.is_json else _yaml().parse(content, max_depth)

    def line(self, place: str) -> int:
        """The line of the value at a JSON Pointer, or of its nearest parent."""
        return self._lines.line(place)

    @cached_property
    def text(self) -> str:
        return self._content.decode()

    @cached_property
    def _lines(self) -> Lines:
        if self.is_json:
            return JsonLines(self.text)
        lines: Lines = _yaml().YamlLines(self.text)
        return lines


def _is_json(content: bytes) -> bool:
    """A quote may also begin a YAML key: it is JSON only where the whole is one text."""
    first = content.lstrip()[:1]
    if first != b'"':
        return first in (b"{", b"[")
    try:
        json.loads(content)
    except ValueError:
        return False
    return True


def _yaml() -> Any:
    """Loaded when a YAML text is met: two parsers are a third of a command's start."""
    return import_module("interlock.contracts.yaml_text")


def _json(content: bytes, max_depth: int) -> Any:
    try:
        return parse(content, max_depth)
    except CallerProblem as problem:
        said = problem.detail.replace("The body is", "The text is")  # strict JSON is first of all a body's
        raise DocumentUnreadable(_line_of_json_error(content), said) from None


def _line_of_json_error(content: bytes) -> int:
    try:
        json.loads(content)
    except json.JSONDecodeError as error:
        return error.lineno
    except (ValueError, RecursionError):
        return 1
    return JsonLines(content.decode()).repeated or 1
