"""Which operations a path belongs to: concrete segments before variables (OpenAPI 3.1, 4.8.8.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

from interlock.contracts.api.description import ApiDescription, Operation

_VARIABLE = re.compile(r"\{([^{}/]+)\}")


class PathTemplates:
    """The templates of one document. Variables never span a slash; several may share a segment."""

    def __init__(self, operations: Iterable[Operation], base_paths: Iterable[str] = ()) -> None:
        self._bases = ("", *base_paths)
        methods: dict[str, dict[str, Operation]] = {}
        for operation in operations:
            methods.setdefault(operation.path, {})[operation.method] = operation
        ordered = sorted(methods, key=_concreteness)
        self._patterns = [(_pattern(path), _VARIABLE.findall(path), methods[path]) for path in ordered]

    def find(self, path: str) -> tuple[Mapping[str, Operation], Mapping[str, str]]:
        """Operations by method, and the values of the variables; nothing of both when no template fits."""
        for base in self._bases:
            if path.startswith(base):
                for pattern, names, methods in self._patterns:
                    match = pattern.fullmatch(path[len(base) :])
                    if match is not None:
                        return methods, dict(zip(names, map(unquote, match.groups()), strict=True))
        return {}, {}


def variables(path: str) -> list[str]:
    """Names of a template's variables, in order."""
    return _VARIABLE.findall(path)


def templates(description: ApiDescription) -> PathTemplates:
    return PathTemplates(description.operations, description.base_paths)


def _concreteness(path: str) -> tuple[tuple[int, ...], str]:
    return tuple(len(_VARIABLE.findall(segment)) for segment in path.split("/")), path


def _pattern(path: str) -> re.Pattern[str]:
    parts = _VARIABLE.split(path)  # literal, name, literal, …
    return re.compile("".join("([^/]+)" if at % 2 else re.escape(part) for at, part in enumerate(parts)))
