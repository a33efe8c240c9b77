"""Imports flows/*.py and checks what they declare against the rest of the estate."""

from __future__ import annotations

import ast
import difflib
import inspect
import traceback
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from interlock.contracts.api_contract import ApiOperation
from interlock.contracts.event_contract import EventContract
from interlock.estate.findings import Findings
from interlock.estate.folder import Folder
from interlock.estate.modules import PUBLIC, EstatePackage
from interlock.estate.saga_checks import check_sagas
from interlock.estate.system import Owner, System
from interlock.model.clock import EPOCH
from interlock.sdk.flow import Flow, HandlerSpec

_NOUNS = {"event": "event", "api": "API operation", "reply": "operation", "schedule": "schedule", "saga": "event"}


@dataclass(frozen=True, slots=True)
class Known:
    """What a flow may refer to."""

    latest: Mapping[str, EventContract]
    apis: Mapping[str, ApiOperation]
    systems: Mapping[str, System]
    owners: Mapping[str, Owner]


@dataclass(frozen=True, slots=True)
class Flows:
    """The flows by name, and the API operations that they serve."""

    by_name: dict[str, Flow]
    api_subjects: frozenset[str]


def read_flows(folder: Folder, package: EstatePackage, known: Known, findings: Findings) -> Flows:
    """All flows of all modules. What cannot be imported is reported where it broke."""
    by_name: dict[str, Flow] = {}
    served: set[str] = set()
    for path in folder.under("flows", ".py"):
        tree = _parse(folder, path, findings)
        if tree is None:
            continue
        source = _Source(path, tree)
        _check_text(source, known, findings)
        module = _load(folder, package, path, findings)
        for flow in _flows_of(module):
            if by_name.get(flow.name, flow) is not flow:
                detail = f"There is another flow named {flow.name}."
                findings.add("FLOW_DUPLICATE", path, source.line_of_flow(flow.name), detail)
                continue
            if flow.name not in by_name:
                by_name[flow.name] = flow
                _check_flow(flow, source, folder.root, known, findings)
                served.update(spec.subject for spec in flow.specs if spec.trigger == "api")
    return Flows(by_name, frozenset(served))


class _Source:
    """A module's syntax tree: where its flows are made."""

    def __init__(self, path: str, tree: ast.Module) -> None:
        self.path = path
        self.tree = tree

    def calls(self, name: str) -> Iterator[ast.Call]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and name == getattr(node.func, "attr", getattr(node.func, "id", None)):
                yield node

    def line_of_flow(self, name: str) -> int:
        lines = [call.lineno for call in self.calls("Flow") if _text_of(call) == name]
        return lines[-1] if lines else 1


def _text_of(call: ast.Call) -> str | None:
    """The first argument, when it is a literal text."""
    first = call.args[0] if call.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def _parse(folder: Folder, path: str, findings: Findings) -> ast.Module | None:
    try:
        return ast.parse(folder.files[path], filename=path)
    except SyntaxError as error:
        findings.add("FLOW_UNLOADABLE", path, error.lineno or 1, f"Python does not read it: {error.msg}.")
    except ValueError as error:
        findings.add("FLOW_UNLOADABLE", path, 1, f"Python does not read it: {error}.")
    return None


def _load(folder: Folder, package: EstatePackage, path: str, findings: Findings) -> ModuleType | None:
    """User code runs here: whatever it raises is a finding, at the last line that is the estate's own."""
    try:
        return package.load(path)
    except (Exception, SystemExit) as error:
        file, line = _place_of(error, folder.root) or (path, 1)
        if isinstance(error, ImportError) and (error.name or "").startswith(f"{package.name}.contracts"):
            detail = f"{error.msg.replace(package.name, PUBLIC).partition(' (')[0]}."
            findings.add("UNKNOWN_EVENT_TYPE", file, line, detail)
            return None
        findings.add("FLOW_UNLOADABLE", file, line, f"Importing it raised {type(error).__name__}: {error}.")
    return None


def _place_of(error: BaseException, root: Path) -> tuple[str, int] | None:
    if isinstance(error, SyntaxError) and error.filename and Path(error.filename).is_relative_to(root):
        return Path(error.filename).relative_to(root).as_posix(), error.lineno or 1
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if Path(frame.filename).is_relative_to(root):
            return Path(frame.filename).relative_to(root).as_posix(), frame.lineno or 1
    return None


def _flows_of(module: ModuleType | None) -> list[Flow]:
    found = [value for value in vars(module).values() if isinstance(value, Flow)] if module else []
    return list({id(flow): flow for flow in found}.values())


def _check_text(source: _Source, known: Known, findings: Findings) -> None:
    """What can be said without running it: calls of operations by literal name."""
    for call in source.calls("call"):
        operation = _text_of(call)
        if operation is not None and isinstance(call.func, ast.Attribute):
            _check_operation(operation, source.path, call.lineno, known, findings)


def _check_operation(operation: str, file: str, line: int, known: Known, findings: Findings) -> None:
    name, _, short = operation.partition(".")
    system = known.systems.get(name)
    if system is None:
        findings.add("UNKNOWN_SYSTEM", file, line, f"There is no system {name}." + _hint(name, known.systems))
    elif short not in system.operations:
        detail = f"{name} has no operation {short or '(none named)'}." + _hint(short, system.operations)
        findings.add("UNKNOWN_OPERATION", file, line, detail)


def _check_flow(flow: Flow, source: _Source, root: Path, known: Known, findings: Findings) -> None:
    if flow.owner not in known.owners:
        line = source.line_of_flow(flow.name)
        findings.add("OWNER_UNKNOWN", source.path, line, f"{flow.owner} is not in owners.toml.")
    seen: set[tuple[str, str]] = set()
    for spec in flow.specs:
        file, line = _place_of_handler(spec, source.path, root)
        _check_subject(spec, file, line, known, findings)
        _check_shape(spec, file, line, findings)
        if (spec.trigger, spec.subject) in seen:
            detail = f"{flow.name} has two handlers for the {_NOUNS[spec.trigger]} {spec.subject}."
            findings.add("HANDLER_DUPLICATE", file, line, detail)
        seen.add((spec.trigger, spec.subject))
    check_sagas(flow, lambda spec: _place_of_handler(spec, source.path, root), known.latest, findings)
    for saga in flow.sagas:
        _check_shape(saga.spec, *_place_of_handler(saga.spec, source.path, root), findings)


def _place_of_handler(spec: HandlerSpec, path: str, root: Path) -> tuple[str, int]:
    code = getattr(spec.handler, "__code__", None)
    if code is None or not Path(code.co_filename).is_relative_to(root):
        return path, 1
    return Path(code.co_filename).relative_to(root).as_posix(), code.co_firstlineno


def _check_subject(spec: HandlerSpec, file: str, line: int, known: Known, findings: Findings) -> None:
    match spec.trigger:
        case "event" if spec.subject not in known.latest:
            detail = f"No contract declares {spec.subject}." + _hint(spec.subject, known.latest)
            findings.add("UNKNOWN_EVENT_TYPE", file, line, detail)
        case "api" if spec.subject not in known.apis:
            detail = f"No API contract declares {spec.subject}." + _hint(spec.subject, known.apis)
            findings.add("UNKNOWN_API_OPERATION", file, line, detail)
        case "reply":
            _check_operation(spec.subject, file, line, known, findings)
        case "schedule":
            _check_schedule(spec, file, line, findings)


def _check_schedule(spec: HandlerSpec, file: str, line: int, findings: Findings) -> None:
    try:
        zone = ZoneInfo(spec.zone)
        next(CronSim(spec.cron or "", EPOCH.astimezone(zone)))
    except (CronSimError, StopIteration) as error:
        detail = f'"{spec.cron}" is no schedule that is ever due: {error}'.rstrip(": ") + "."
        findings.add("SCHEDULE_INVALID", file, line, detail)
    except (ValueError, OSError, KeyError):
        findings.add("SCHEDULE_INVALID", file, line, f"{spec.zone} is no time zone.")


def _check_shape(spec: HandlerSpec, file: str, line: int, findings: Findings) -> None:
    if not inspect.iscoroutinefunction(spec.handler):
        findings.add("HANDLER_SHAPE", file, line, f"{spec.name} is not async.")
        return
    try:
        inspect.signature(spec.handler).bind(None, None)
    except TypeError:
        findings.add("HANDLER_SHAPE", file, line, f"{spec.name} does not take an input and a context.")


def _hint(name: str, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(names), n=1)
    return f" Did you mean {close[0]}?" if close else ""
