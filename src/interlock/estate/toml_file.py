"""A TOML file with the line of each key, read into structs with every mistake found."""

from __future__ import annotations

import difflib
import re
import tomllib
import typing
from collections.abc import Mapping
from typing import Any

import msgspec

from interlock.estate.findings import Findings

_HEADER = re.compile(r"^\s*\[+\s*([^\]]+?)\s*\]+")
_KEY = re.compile(r"^\s*((?:[\w-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[\w-]+|\"[^\"]*\"|'[^']*'))*)\s*=")
_PART = re.compile(r"[\w-]+|\"[^\"]*\"|'[^']*'")
_POSITION = re.compile(r"at line (\d+)")

Path = tuple[str, ...]


class TomlFile:
    """One file. `table` is empty when it did not parse; the finding says so."""

    def __init__(self, file: str, content: bytes, findings: Findings) -> None:
        self.file = file
        self.table: dict[str, Any] = {}
        self._findings = findings
        self._lines: dict[Path, int] = {}
        try:
            text = content.decode()
            self.table = tomllib.loads(text)
        except UnicodeDecodeError:
            findings.add("TOML_INVALID", file, 1, "The file is not UTF-8.")
        except tomllib.TOMLDecodeError as error:
            position = _POSITION.search(str(error))
            line = int(position.group(1)) if position else content.count(b"\n") + 1
            findings.add("TOML_INVALID", file, line, f"{error}.")
        else:
            self._index(text)

    def line(self, path: Path) -> int:
        """The line of a key, or of its nearest parent."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)

    def add(self, code: str, path: Path, detail: str) -> None:
        self._findings.add(code, self.file, self.line(path), detail)

    def read(self, table: Mapping[str, Any], model: type[msgspec.Struct], path: Path = ()) -> dict[str, Any] | None:
        """The checked members of a table, ready for `msgspec.convert`; None when a required one has no good value.

        Bad optional members are reported and left out, so that the rest can still be read and checked.
        """
        fields = {field.encode_name: field for field in msgspec.structs.fields(model)}
        for name in table.keys() - fields.keys():
            close = difflib.get_close_matches(name, fields, n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            self.add("SETTING_UNKNOWN", (*path, name), f"{_dotted((*path, name))} is no setting.{hint}")
        good: dict[str, Any] = {}
        complete = True
        for name, field in fields.items():
            if name in table:
                value = self._member(table[name], field.type, (*path, name))
                if value is not None:
                    good[name] = value
                    continue
            elif field.required:
                self.add("SETTING_MISSING", path, f"{_dotted((*path, name))} is missing.")
            complete = complete and not field.required
        return good if complete else None

    def _member(self, value: Any, kind: Any, path: Path) -> Any:
        """The value when it is of that kind; None otherwise, and reported."""
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and isinstance(value, dict):
            return self.read(value, kind, path)
        if typing.get_origin(kind) in (dict, Mapping) and isinstance(value, dict):
            inner = typing.get_args(kind)[1]
            members = {name: self._member(one, inner, (*path, name)) for name, one in value.items()}
            return {name: one for name, one in members.items() if one is not None}
        try:
            msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            self.add("SETTING_INVALID", path, f"{_dotted(path)}: {str(error).partition(' - at')[0]}.")
            return None
        return value

    def _index(self, text: str) -> None:
        prefix: Path = ()
        for number, row in enumerate(text.split("\n"), 1):
            header, key = _HEADER.match(row), _KEY.match(row)
            if header:
                prefix = _parts(header.group(1))
                self._note(prefix, number)
            elif key:
                self._note((*prefix, *_parts(key.group(1))), number)

    def _note(self, path: Path, number: int) -> None:
        for length in range(1, len(path) + 1):
            self._lines.setdefault(path[:length], number)


def _parts(text: str) -> Path:
    return tuple(part.strip("\"'") for part in _PART.findall(text))


def _dotted(path: Path) -> str:
    return ".".join(path)
