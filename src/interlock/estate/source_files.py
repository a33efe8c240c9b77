"""Reads sources/*.toml."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from interlock.estate.findings import Findings
from interlock.estate.folder import Folder
from interlock.estate.setting_files import NAME, OWNERS
from interlock.estate.source import Source, SourceFile
from interlock.estate.system import Owner
from interlock.estate.toml_file import TomlFile


def read_sources(folder: Folder, owners: Mapping[str, Owner], findings: Findings) -> dict[str, Source]:
    """Keyed by file name."""
    sources: dict[str, Source] = {}
    tables: dict[tuple[str, str], str] = {}
    for path in folder.under("sources", ".toml"):
        name = path.removeprefix("sources/").removesuffix(".toml")
        file = TomlFile(path, folder.files[path], findings)
        if not NAME.fullmatch(name):
            file.add("SETTING_INVALID", (), f"{name} is no name of a source: lower-case letters, digits and dashes.")
        good = file.read(file.table, SourceFile)
        owner = file.table.get("owner")
        if isinstance(owner, str) and owner not in owners:
            file.add("OWNER_UNKNOWN", ("owner",), f"{owner} is not in {OWNERS}.")
        if good is None:
            continue
        source = msgspec.convert(good, SourceFile).made(name)
        if source.mode == "logical" and source.dialect != "postgres":
            file.add("SETTING_INVALID", ("mode",), f"mode: {source.dialect} has no logical decoding.")
        first = tables.setdefault((source.dsn, source.table), path)
        if first != path:
            file.add("SETTING_INVALID", ("table",), f"table: {first} relays {source.table} of {source.dsn} already.")
        sources[name] = source
    return sources
