"""Settings that are good each by itself, and do not go together: `interlock check` and `interlock up` judge them here.

What only the machine can tell (whether a port is free, a name resolves, a variable is set) is told at the start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import PurePosixPath
from typing import NamedTuple

from interlock.contracts.api_contract import ApiOperation
from interlock.estate.findings import Findings
from interlock.estate.folder import MARKER, Folder
from interlock.estate.settings import Settings
from interlock.estate.toml_file import TomlFile

# What the engine itself serves, beside what lies below registry.path.
OWN_ADDRESSES = frozenset({
    ("POST", "/events"), ("GET", "/health/live"), ("GET", "/health/ready"), ("GET", "/metrics")
})  # fmt: skip
WRITTEN = frozenset({".json", ".md", ".py", ".toml", ".yaml", ".yml"})


class Combination(NamedTuple):
    """`wrong` says what is wrong with the settings of an estate, or nothing."""

    setting: tuple[str, str]
    next_step: str
    wrong: Callable[[Settings, Folder], str | None]


def log_without_postgres(settings: Settings, folder: Folder) -> str | None:
    stores = settings.stores
    if stores.log == "state" or stores.kind == "postgres":
        return None
    return f'stores.log = "{stores.log}" needs its state on PostgreSQL; stores.kind is "{stores.kind}".'


def one_port_for_two(settings: Settings, folder: Folder) -> str | None:
    port = settings.registry.port
    return f"registry.port and server.port are both {port}." if port and port == settings.server.port else None


def reserved_schema(settings: Settings, folder: Folder) -> str | None:
    schema = settings.stores.schema
    reserved = schema.startswith("pg_") or schema == "information_schema"
    return f"stores.schema = {schema}: PostgreSQL keeps that name for itself." if reserved else None


def store_on_a_file(settings: Settings, folder: Folder) -> str | None:
    """A folder, or a file of the estate."""
    stores = settings.stores
    path = store_file(settings)
    if stores.kind == "memory":
        return None
    if path in ("/", ".") or ".." in PurePosixPath(path).parts[-1:] or stores.path.endswith("/"):
        return f"stores.path = {stores.path} names a folder."
    return f"stores.path = {stores.path} is part of the estate itself." if written_by_hand(path, folder) else None


def trace_on_a_file(settings: Settings, folder: Folder) -> str | None:
    file = str(PurePosixPath(settings.trace.file)) if settings.trace.file else ""
    if not file:
        return None
    if file == store_file(settings) and settings.stores.kind == "sqlite":
        return "trace.file and stores.path are the same file."
    return f"trace.file = {file} is part of the estate itself." if written_by_hand(file, folder) else None


def written_by_hand(path: str, folder: Folder) -> bool:
    """Whether it is a folder with files of the estate, or one of them: data that lies beside them is none."""
    if any(file.startswith(f"{path}/") for file in folder.files):
        return True
    return path in folder.files and PurePosixPath(path).suffix in WRITTEN


def store_file(settings: Settings) -> str:
    return str(PurePosixPath(settings.stores.path.replace("{name}", settings.estate.name)))


COMBINATIONS: tuple[Combination, ...] = (
    Combination(
        ("stores", "log"), 'Set stores.kind = "postgres", or leave stores.log out.', log_without_postgres
    ),
    Combination(("registry", "port"), "Give each a port of its own, or set registry.port to 0.", one_port_for_two),
    Combination(("stores", "schema"), "Choose another name, such as interlock.", reserved_schema),
    Combination(("stores", "path"), "Name a file that is to be made, such as .interlock/{name}.db.", store_on_a_file),
    Combination(("trace", "file"), "Name a file that is to be made, such as .interlock/spans.jsonl.", trace_on_a_file),
)  # fmt: skip


def check_combinations(settings: Settings, folder: Folder, findings: Findings) -> None:
    """Each row that does not hold is a SETTING_INVALID at the line of its setting."""
    file = TomlFile(MARKER, folder.files[MARKER], Findings())
    for row in COMBINATIONS:
        detail = row.wrong(settings, folder)
        if detail is not None:
            findings.add("SETTING_INVALID", MARKER, file.line(row.setting), detail, row.next_step)


def check_addresses(operations: Iterable[tuple[str, ApiOperation]], settings: Settings, findings: Findings) -> None:
    """An operation where the engine serves something of its own is an API_PATHS_COLLIDE."""
    registry = settings.registry.path
    for path, operation in operations:
        below = operation.path == registry or operation.path.startswith(f"{registry}/")
        if below or (operation.method, operation.path) in OWN_ADDRESSES:
            what = "the schema registry (registry.path)" if below else "the engine itself"
            detail = f"{operation.name}: {operation.method} {operation.path} is an address of {what}."
            findings.add("API_PATHS_COLLIDE", path, 1, detail, "Give the operation another path.")
