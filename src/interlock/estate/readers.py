"""Which flows handle an event or serve an API, and which fields of an event their code reads.

What is read is told from the handlers' code, never by running it: `order.total` of a generated class, `data["total"]`
and `data.get("total")` of a dict. A handler that does anything else with the event, such as giving it to a function,
may read all of it.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from interlock.contracts.comparison import ChangeFinding
from interlock.contracts.pointer import split
from interlock.contracts.python_text import identifier
from interlock.estate.folder import Folder
from interlock.sdk.flow import Flow, HandlerSpec

_COUNTS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")
_Function = ast.FunctionDef | ast.AsyncFunctionDef


class Touched(NamedTuple):
    """Of the flows that handle an event: those that read a part of it, and those of which the code does not tell."""

    reading: tuple[str, ...]
    unclear: tuple[str, ...]


class _Access(NamedTuple):
    """The field that an expression reads, and of what."""

    name: str
    of: ast.expr


class Readers:
    """The flows of an estate by the contract that they name. Modules are parsed when a field is first asked for."""

    def __init__(self, flows: Iterable[Flow], folder: Folder) -> None:
        self._folder = folder
        self._handlers: dict[str, dict[str, list[HandlerSpec]]] = {}
        self._trees: dict[str, ast.Module] = {}
        for flow in flows:
            for spec in (*flow.specs, *(saga.spec for saga in flow.sagas)):
                subject = spec.subject.rpartition(".")[0] if spec.trigger == "api" else spec.subject
                if spec.trigger in ("event", "saga", "api"):
                    self._handlers.setdefault(subject, {}).setdefault(flow.name, []).append(spec)

    def of(self, subject: str) -> tuple[str, ...]:
        """The names of the flows that handle an event (its type), or serve an API (shop, shop.v2)."""
        return tuple(sorted(self._handlers.get(subject, ())))

    def touching(self, event_type: str, fields: Iterable[str]) -> Touched:
        """`fields` are names as the contract has them, of the event's own properties."""
        wanted = {name for field in fields for name in (field, identifier(field))}
        reading, unclear = [], []
        for flow, handlers in sorted(self._handlers.get(event_type, {}).items()):
            read = [self._fields(handler) for handler in handlers]
            if any(one is not None and one & wanted for one in read):
                reading.append(flow)
            elif any(one is None for one in read):
                unclear.append(flow)
        return Touched(tuple(reading), tuple(unclear))

    def _fields(self, spec: HandlerSpec) -> frozenset[str] | None:
        """Names that it reads of its first argument; None where that cannot be told."""
        code = inspect.unwrap(spec.handler).__code__
        file = Path(code.co_filename)
        if not file.is_relative_to(self._folder.root):
            return None
        path = file.relative_to(self._folder.root).as_posix()
        if path not in self._trees:
            self._trees[path] = ast.parse(self._folder.files.get(path, b""))
        for node in ast.walk(self._trees[path]):
            if isinstance(node, _Function) and node.name == code.co_name and _line(node) == code.co_firstlineno:
                return _read_by(node, _member if spec.model is not None else _item)
        return None


def changed_field(finding: ChangeFinding) -> str | None:
    """The event's own property that a change is in; None where it is not in one."""
    parts = split(finding.path)
    if len(parts) >= 2 and parts[0] == "properties":
        return parts[1]
    value = finding.old if isinstance(finding.old, str) else finding.new
    return value if parts == ("required",) and isinstance(value, str) else None


def flows_text(readers: Readers, event_type: str, field: str | None) -> str:
    """Two flows read it: export-finance, ledger. One flow hands the event on whole: audit."""
    flows = readers.of(event_type)
    touched = readers.touching(event_type, [field]) if field is not None else Touched(flows, ())
    said = [_counted(touched.reading, ("reads", "read"), "it")] if touched.reading else []
    said += [_counted(touched.unclear, ("hands", "hand"), "the event on whole")] if touched.unclear else []
    others = tuple(flow for flow in flows if flow not in (*touched.reading, *touched.unclear))
    if not said:
        said = ["No flow of this estate reads it."]
    if others:
        said.append(_counted(others, ("handles", "handle"), "the event without reading it"))
    return " ".join(said)


def servers_text(readers: Readers, api: str) -> str:
    """One flow serves it: returns-api. Who calls it is not recorded."""
    flows = readers.of(api)
    served = [_counted(flows, ("serves", "serve"), "it")] if flows else ["No flow of this estate serves it."]
    return " ".join([*served, "Who calls it is not recorded."])


def _counted(flows: tuple[str, ...], verbs: tuple[str, str], rest: str) -> str:
    count = _COUNTS[len(flows)] if len(flows) < len(_COUNTS) else str(len(flows))
    one = len(flows) == 1
    return f"{count} flow{'' if one else 's'} {verbs[0 if one else 1]} {rest}: {', '.join(flows)}."


def _line(node: _Function) -> int:
    """As a code object counts: from the first decorator."""
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _read_by(function: _Function, access: Callable[[ast.AST], _Access | None]) -> frozenset[str] | None:
    arguments = [*function.args.posonlyargs, *function.args.args]
    if not arguments:
        return frozenset()
    event = arguments[0].arg
    found = [one for node in ast.walk(function) if (one := access(node)) is not None and _is(one.of, event)]
    uses = sum(_is(node, event) for node in ast.walk(function))
    return frozenset(one.name for one in found) if uses == len(found) else None


def _is(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _member(node: ast.AST) -> _Access | None:
    match node:
        case ast.Attribute(value=of, attr=name, ctx=ast.Load()):
            return _Access(name, of)
    return None


def _item(node: ast.AST) -> _Access | None:
    match node:
        case ast.Call(func=ast.Attribute(value=of, attr="get"), args=[ast.Constant(value=str(name)), *_]):
            return _Access(name, of)
        case ast.Subscript(value=of, slice=ast.Constant(value=str(name)), ctx=ast.Load()):
            return _Access(name, of)
    return None
