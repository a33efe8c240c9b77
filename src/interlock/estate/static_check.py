"""What can be said of an estate without running any of its code: contracts, settings, versions, plans, waivers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from interlock.contracts.deprecation import Deprecation
from interlock.contracts.finding import Finding
from interlock.contracts.waiver import Waivers
from interlock.estate.contract_files import read_apis, read_events, read_webhooks
from interlock.estate.contract_versions import ContractVersion, contract_versions
from interlock.estate.deprecation_file import Promised, check_deprecations, check_sunsets, read_deprecations
from interlock.estate.findings import Findings
from interlock.estate.folder import Folder
from interlock.estate.readers import Readers
from interlock.estate.secrets import find_secrets
from interlock.estate.setting_files import read_owners, read_settings, read_systems
from interlock.estate.settings import Settings
from interlock.estate.source_files import read_sources
from interlock.estate.version_checks import Compare, VersionChecks
from interlock.estate.waiver_file import Waived, apply_waivers, read_waivers


@dataclass(frozen=True, slots=True)
class StaticEstate:
    """An estate of any revision. `findings` are those that no waiver covers, `waived` the others."""

    files: Mapping[str, bytes]
    settings: Settings
    versions: Mapping[str, list[ContractVersion]]
    plans: Mapping[tuple[str, int], Deprecation]
    waivers: Waivers
    findings: tuple[Finding, ...]
    waived: tuple[Waived, ...]


def read_static(
    folder: Folder,
    compare: Compare,
    today: date,
    readers: Readers | None = None,
    promised: Promised = MappingProxyType({}),
) -> StaticEstate:
    """`readers` only name who reads a contract; `promised` are the plans of before."""
    findings = Findings()
    settings = read_settings(folder, "local", findings)
    owners = read_owners(folder, findings)
    waivers = read_waivers(folder, owners, findings)
    read_systems(folder, "local", settings, owners, findings)
    read_sources(folder, owners, findings)
    read_events(folder, owners, findings)
    read_apis(folder, owners, findings)
    read_webhooks(folder, owners, findings)
    find_secrets(folder, findings)
    versions = contract_versions(folder.files)
    plans = read_deprecations(folder, versions, owners, settings, findings)
    check_deprecations(plans, versions, today, findings)
    check_sunsets(promised, plans, versions, today, findings)
    mode = settings.contracts.compatibility
    VersionChecks(mode, readers or Readers((), folder), waivers, findings, compare, today).run(versions)
    waived = apply_waivers(waivers, findings, today)
    return StaticEstate(folder.files, settings, versions, plans.by_major, waivers, findings.all(), waived)
