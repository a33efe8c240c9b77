"""A contract's text, JSON or YAML 1.2, as a value whose every place has a line.

JSON is strict (RFC 7493, see `strict_json`). YAML is read by the core schema of YAML 1.2 (section 10.3): no dates, no
`yes` and `no`; duplicate keys are refused, alias bombs too. Keys that are no strings (`200:` in OpenAPI's responses)
become their JSON text, so that both notations give the same value.
"""

from __future__ import annotations

import json
import math
import re
from functools import cached_property
from typing import Any

import ryaml
import yaml

from interlock.contracts import pointer
from interlock.contracts.positions import JsonLines
from interlock.contracts.strict_json import parse
from interlock.model.problems import CallerProblem

MAX_BYTES = 64 * 1024 * 1024
MAX_DEPTH = 256
_LINE = re.compile(r"\bat line (\d+)")
_YAML_LINES_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class DocumentUnreadable(Exception):
    """The text is neither JSON nor YAML that all parsers agree about. `line` counts from 1."""

    def __init__(self, line: int, detail: str) -> None:
        super().__init__(detail)
        self.line = line
        self.detail = detail


class DocumentText:
    """`value` is parsed at once, lines only when somebody asks."""

    def __init__(self, content: bytes, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> None:
        """Raises DocumentUnreadable."""
        if len(content) > max_bytes:
            raise DocumentUnreadable(1, f"The document has {len(content)} bytes; the limit is {max_bytes}.")
        self._content = content
        self.is_json = content.lstrip()[:1] in (b"{", b"[", b'"')
        self.value: Any = _json(content, max_depth) if self.is_json else _yaml(content, max_depth)

    def line(self, place: str) -> int:
        """The line of the value at a JSON Pointer, or of its nearest parent."""
        return self._lines.line(place)

    @cached_property
    def _lines(self) -> JsonLines | YamlLines:
        text = self._content.decode()
        return JsonLines(text) if self.is_json else YamlLines(text)


class YamlLines:
    """Lines, from 1, of a text that is valid YAML; made from the parser's events, which carry positions."""

    def __init__(self, text: str) -> None:
        self._lines: dict[str, int] = {}
        try:
            self._scan(text)
        except yaml.YAMLError:  # YAML 1.1 and 1.2 differ in corners; then the lines before that corner must do
            return

    def line(self, place: str) -> int:
        while place and place not in self._lines:
            place = place.rpartition("/")[0]
        return self._lines.get(place, 1)

    def _scan(self, text: str) -> None:
        """A stack of open containers: for a mapping the pointer and the key read last, for a sequence a count."""
        stack: list[_Open] = []
        for event in yaml.parse(text, Loader=_YAML_LINES_LOADER):
            if isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                stack.pop()
                continue
            if not isinstance(event, yaml.NodeEvent):
                continue
            line = event.start_mark.line + 1 if event.start_mark else 1
            place = ""
            if stack:
                top = stack[-1]
                if top.awaits_key:
                    top.key = event.value if isinstance(event, yaml.ScalarEvent) else ""
                    top.awaits_key = False
                    self._lines.setdefault(f"{top.place}{pointer.join([top.key])}", line)
                    continue
                place = top.next_place()
            self._lines.setdefault(place, line)
            if isinstance(event, yaml.MappingStartEvent):
                stack.append(_Open(place, is_mapping=True))
            elif isinstance(event, yaml.SequenceStartEvent):
                stack.append(_Open(place, is_mapping=False))


class _Open:
    __slots__ = ("awaits_key", "count", "is_mapping", "key", "place")

    def __init__(self, place: str, is_mapping: bool) -> None:
        self.place = place
        self.is_mapping = is_mapping
        self.awaits_key = is_mapping
        self.key = ""
        self.count = -1

    def next_place(self) -> str:
        if self.is_mapping:
            self.awaits_key = True
            return f"{self.place}{pointer.join([self.key])}"
        self.count += 1
        return f"{self.place}/{self.count}"


def _json(content: bytes, max_depth: int) -> Any:
    try:
        return parse(content, max_depth)
    except CallerProblem as problem:
        raise DocumentUnreadable(_line_of_json_error(content), problem.detail) from None


def _line_of_json_error(content: bytes) -> int:
    try:
        json.loads(content)
    except json.JSONDecodeError as error:
        return error.lineno
    except (ValueError, RecursionError):
        return 1
    return 1


def _yaml(content: bytes, max_depth: int) -> Any:
    try:
        value = ryaml.loads(content.decode())
    except UnicodeDecodeError as error:
        raise DocumentUnreadable(content.count(b"\n", 0, error.start) + 1, "The text is no UTF-8.") from None
    except (ryaml.InvalidYamlError, ValueError, RecursionError) as error:
        match = _LINE.search(str(error))
        raise DocumentUnreadable(int(match.group(1)) if match else 1, f"The YAML is wrong: {error}.") from None
    return _as_json(value, max_depth)


def _as_json(value: Any, depth: int) -> Any:
    """In place: the keys become texts. Refuses what JSON has no word for."""
    if depth < 0:
        raise DocumentUnreadable(1, f"The YAML nests deeper than {MAX_DEPTH} levels.")
    if isinstance(value, dict):
        if not all(type(key) is str for key in value):
            value = {_key(key): member for key, member in value.items()}
        for key, member in value.items():
            if isinstance(member, dict | list | float):
                value[key] = _as_json(member, depth - 1)
    elif isinstance(value, list):
        for at, member in enumerate(value):
            if isinstance(member, dict | list | float):
                value[at] = _as_json(member, depth - 1)
    elif isinstance(value, float) and not math.isfinite(value):
        raise DocumentUnreadable(1, "JSON has no infinity and no NaN.")
    return value


def _key(key: Any) -> str:
    if isinstance(key, str):
        return key
    if key is None or isinstance(key, bool | int | float):
        return json.dumps(key)
    raise DocumentUnreadable(1, "A key of a mapping is no scalar.")
