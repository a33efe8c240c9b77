"""The text of a YAML 1.2 document (core schema, section 10.3) as JSON has values, and the lines of its places."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import ryaml
import yaml

from interlock.contracts import pointer
from interlock.contracts.document_unreadable import DocumentUnreadable

_LINE = re.compile(r"\bat line (\d+)")
_YAML_LINES_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse(content: bytes, max_depth: int) -> Any:
    """Raises DocumentUnreadable."""
    try:
        value = ryaml.loads(content.decode())
    except UnicodeDecodeError as error:
        raise DocumentUnreadable(content.count(b"\n", 0, error.start) + 1, "The text is no UTF-8.") from None
    except (ryaml.InvalidYamlError, ValueError, RecursionError) as error:
        raise DocumentUnreadable(_line_of_error(content.decode(), str(error)), f"The YAML is wrong: {error}.") from None
    return _as_json(value, max_depth)


def _line_of_error(text: str, said: str) -> int:
    match = _LINE.search(said)
    if match is not None:
        return int(match.group(1))
    return (YamlLines(text).repeated or 1) if "duplicate" in said else 1


def _as_json(value: Any, depth: int) -> Any:
    """In place: the keys become texts. Refuses what JSON has no word for."""
    if depth < 0:
        raise DocumentUnreadable(1, "The YAML nests too deep.")
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


class YamlLines:
    """Lines, from 1, of a text that is valid YAML; made from the parser's events, which carry positions.

    repeated  the first line that gives a key a second time, or None
    """

    def __init__(self, text: str) -> None:
        self.repeated: int | None = None
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
                    place = f"{top.place}{pointer.join([top.key])}"
                    if place in self._lines:
                        self.repeated = self.repeated or line
                    else:
                        self._lines[place] = line
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
