"""Reads interlock.toml, owners.toml and systems/*.toml."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from interlock.contracts.lint.security_rules import is_insecure
from interlock.estate.findings import Findings
from interlock.estate.folder import MARKER, Folder
from interlock.estate.settings import Settings
from interlock.estate.system import Owner, System, SystemFile
from interlock.estate.toml_file import TomlFile

OWNERS = "owners.toml"
NAME = re.compile(r"[a-z][a-z0-9-]*")


class OwnerFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of owners.toml."""

    contact: str
    name: str = ""


def read_settings(folder: Folder, environment: str, findings: Findings) -> Settings:
    """Bad settings are reported and keep their default."""
    file = TomlFile(MARKER, folder.files[MARKER], findings)
    good = file.read(file.table, Settings)
    settings = msgspec.convert(good or {}, Settings)
    if environment != "local" and environment not in settings.environments:
        file.add("SETTING_MISSING", ("environments",), f"There is no [environments.{environment}].")
    if not settings.estate.name:
        settings = msgspec.structs.replace(
            settings, estate=msgspec.structs.replace(settings.estate, name=folder.root.name)
        )
    return settings


def read_owners(folder: Folder, findings: Findings) -> dict[str, Owner]:
    """Keyed by the name of the table."""
    file = TomlFile(OWNERS, folder.files.get(OWNERS, b""), findings)
    owners: dict[str, Owner] = {}
    for name, table in file.table.items():
        if not isinstance(table, dict):
            file.add("SETTING_INVALID", (name,), f"{name} is a table with a contact: [{name}].")
            continue
        good = file.read(table, OwnerFile, (name,))
        owners[name] = Owner(name=name, contact=good["contact"] if good else "")
    return owners


def read_systems(
    folder: Folder, environment: str, settings: Settings, owners: Mapping[str, Owner], findings: Findings
) -> dict[str, System]:
    """Keyed by file name. An environment overrides base URLs; it cannot add systems."""
    here = settings.environments.get(environment)
    overrides = here.systems if here else {}
    systems: dict[str, System] = {}
    for path in folder.under("systems", ".toml"):
        name = path.removeprefix("systems/").removesuffix(".toml")
        file = TomlFile(path, folder.files[path], findings)
        if not NAME.fullmatch(name):
            file.add("SETTING_INVALID", (), f"{name} is no name of a system: lower-case letters, digits and dashes.")
        good = file.read(file.table, SystemFile)
        owner = file.table.get("owner")
        if isinstance(owner, str) and owner not in owners:
            file.add("OWNER_UNKNOWN", ("owner",), f"{owner} is not in {OWNERS}.")
        if good is not None:
            if is_insecure(good["base_url"]):
                file.add("SYSTEM_INSECURE", ("base_url",), f"{good['base_url']} is not encrypted.")
            override = overrides.get(name)
            systems[name] = msgspec.convert(good, SystemFile).system(name, override.base_url if override else None)
    _check_overrides(folder, settings, findings)
    return systems


def _check_overrides(folder: Folder, settings: Settings, findings: Findings) -> None:
    known = {path.removeprefix("systems/").removesuffix(".toml") for path in folder.under("systems", ".toml")}
    file = TomlFile(MARKER, folder.files[MARKER], Findings())
    for environment, content in settings.environments.items():
        for system, override in content.systems.items():
            line = file.line(("environments", environment, "systems", system))
            if system not in known:
                findings.add("UNKNOWN_SYSTEM", MARKER, line, f"There is no systems/{system}.toml.")
            if is_insecure(override.base_url or ""):
                findings.add("SYSTEM_INSECURE", MARKER, line, f"{override.base_url} is not encrypted.")
