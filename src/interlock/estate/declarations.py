"""What an estate declares in TOML: read first, since contracts and flows refer to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from interlock.contracts.waiver import Waivers
from interlock.estate.findings import Findings
from interlock.estate.folder import Folder
from interlock.estate.setting_combinations import check_combinations
from interlock.estate.setting_files import read_owners, read_settings, read_systems
from interlock.estate.settings import Settings
from interlock.estate.source import Source
from interlock.estate.source_files import read_sources
from interlock.estate.system import Owner, System
from interlock.estate.waiver_file import read_waivers


class Declarations(NamedTuple):
    settings: Settings
    owners: Mapping[str, Owner]
    waivers: Waivers
    systems: Mapping[str, System]
    sources: Mapping[str, Source]


def read_declarations(folder: Folder, environment: str, findings: Findings) -> Declarations:
    """interlock.toml, owners.toml, waivers.toml, systems/ and sources/, as one environment has them."""
    settings = read_settings(folder, environment, findings)
    check_combinations(settings, folder, findings)
    owners = read_owners(folder, findings)
    waivers = read_waivers(folder, owners, findings)
    systems = read_systems(folder, environment, settings, owners, findings)
    return Declarations(settings, owners, waivers, systems, read_sources(folder, owners, findings))
