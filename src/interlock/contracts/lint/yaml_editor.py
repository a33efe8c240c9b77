"""Edits in a YAML text: lines are added and taken away, the others stay as they are, comments too."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import yaml

from interlock.contracts import pointer
from interlock.contracts.lint.edit import Edit, Insert, Patch, Remove, Scalar, yaml_scalar

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class _Node:
    """Offsets into the text; `name` is that of the key. A member's `children` are by name, an element's by index."""

    name: int
    start: int
    end: int
    column: int
    flow: bool
    kind: str
    style: str | None = None
    children: dict[str, _Node] = field(default_factory=dict)


class YamlEditor:
    def __init__(self, text: str) -> None:
        self._text = text
        self._root = _tree(text)

    def patch(self, edit: Edit) -> Patch | None:
        node = self._node(edit.place)
        if node is None:
            return None
        if isinstance(edit, Insert):
            return self._insert(node, edit) if node.kind == "mapping" else None
        if isinstance(edit, Remove):
            return self._remove(edit.place, node)
        return Patch(node.start, node.end, _restyled(edit.value, node.style)) if node.kind == "scalar" else None

    def _node(self, place: str) -> _Node | None:
        node = self._root
        for token in pointer.split(place):
            node = node.children.get(token) if node else None
        return node

    def _insert(self, node: _Node, edit: Insert) -> Patch | None:
        member = f"{yaml_scalar(edit.name)}: {yaml_scalar(edit.value)}"
        members = list(node.children.values())
        if node.flow:
            if not members:
                return Patch(node.start, node.end, "{" + member + "}")
            if edit.first:
                return Patch(members[0].name, members[0].name, f"{member}, ")
            return Patch(members[-1].end, members[-1].end, f", {member}")
        if not members:
            return None
        indent = " " * members[0].column
        beside = None if edit.first else next((one for one in members if self._is_one_line(one)), None)
        if beside is None:
            return Patch(members[0].name, members[0].name, f"{member}{self._newline()}{indent}")
        after = self._line_end(beside.end)
        return Patch(after, after, f"{self._newline()}{indent}{member}")

    def _remove(self, place: str, node: _Node) -> Patch | None:
        owner, _, last = place.rpartition("/")
        holder = self._node(owner)
        if holder is None or not last.isdecimal() or int(last) == 0:
            return None
        before = holder.children[str(int(last) - 1)]
        if holder.flow:
            return Patch(before.end, node.end, "")
        start = self._text.rfind("\n", 0, node.start) + 1
        if not self._is_one_line(node) or self._text[start : node.start].strip() != "-":
            return None
        return Patch(start - 1, self._line_end(node.end), "")

    def _is_one_line(self, node: _Node) -> bool:
        return node.kind == "scalar" and node.style not in ("|", ">") and "\n" not in self._text[node.name : node.end]

    def _line_end(self, at: int) -> int:
        """Past a comment, before the line break."""
        end = self._text.find("\n", at)
        end = len(self._text) if end < 0 else end
        return end - 1 if self._text[end - 1 : end] == "\r" else end

    def _newline(self) -> str:
        return "\r\n" if "\r\n" in self._text else "\n"


def _restyled(value: Scalar, style: str | None) -> str:
    if isinstance(value, str) and style == "'":
        return "'" + value.replace("'", "''") + "'"
    return json.dumps(value, ensure_ascii=False) if style == '"' else yaml_scalar(value)


def _tree(text: str) -> _Node | None:
    """None for a text with tags of its own, several documents, or what libyaml does not read."""
    try:
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError:
        return None
    return _converted(node, node.start_mark.index, set()) if node else None


def _converted(node: Any, name: int, shared: set[int]) -> _Node | None:
    """None for what an alias repeats: an edit there would be one of two places."""
    if id(node) in shared:
        return None
    shared.add(id(node))
    kind = {yaml.MappingNode: "mapping", yaml.SequenceNode: "sequence"}.get(type(node), "scalar")
    found = _Node(
        name, node.start_mark.index, node.end_mark.index, node.start_mark.column,
        flow=bool(getattr(node, "flow_style", False)), kind=kind, style=getattr(node, "style", None),
    )  # fmt: skip
    if kind == "mapping":
        for key, value in node.value:
            child = _converted(value, key.start_mark.index, shared)
            if child is not None and isinstance(key, yaml.ScalarNode):
                child.column = key.start_mark.column
                found.children[key.value] = child
    elif kind == "sequence":
        for index, value in enumerate(node.value):
            child = _converted(value, value.start_mark.index, shared)
            if child is not None:
                found.children[str(index)] = child
    return found
