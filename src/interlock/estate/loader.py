"""Reads a folder into one Estate, or says every mistake in it at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

import msgspec

from interlock.contracts.api_contract import ApiOperation
from interlock.contracts.diff import compare
from interlock.contracts.event_contract import EventContract
from interlock.contracts.finding import Finding
from interlock.contracts.rule import BY_ID
from interlock.estate.contract_files import APIS, EVENTS, WEBHOOKS, read_apis, read_events, read_webhooks
from interlock.estate.contract_versions import contract_versions
from interlock.estate.declarations import Declarations, read_declarations
from interlock.estate.deprecation_file import Promised, check_deprecations, check_sunsets, read_deprecations
from interlock.estate.estate import Estate
from interlock.estate.findings import Findings
from interlock.estate.flow_files import Known, read_flows
from interlock.estate.folder import Folder
from interlock.estate.model_files import check_models
from interlock.estate.modules import EstatePackage
from interlock.estate.readers import Readers
from interlock.estate.replayable_checks import NOTHING_CARRIED, Replayable, ReplayableChecks
from interlock.estate.secrets import find_secrets
from interlock.estate.setting_combinations import check_addresses
from interlock.estate.version_checks import Compare, VersionChecks
from interlock.estate.waiver_file import Waived, apply_waivers
from interlock.model.problems import EstateInvalid

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Examination:
    """What a check found. `estate` holds what could be read, also beside errors: run it only when there are none.

    contract_files  those that were read, good or bad, relative to the estate
    waived          what a waiver of waivers.toml has taken out of `findings`
    """

    estate: Estate
    findings: tuple[Finding, ...]
    contract_files: tuple[str, ...]
    waived: tuple[Waived, ...] = ()

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity == "error")


def load(root: Path, environment: str = "local") -> Estate:
    """The estate of a folder; imports its modules.

    Raises EstateInvalid whose `errors` are all findings that an engine cannot run with: it must not refuse to restart
    because a response is not documented.
    """
    examination = examine(root, environment)
    errors = tuple(finding for finding in examination.errors if BY_ID[finding.code].needed)
    if errors:
        first = errors[0]
        raise EstateInvalid(
            f"{_counted(len(errors), 'error')} in the estate {examination.estate.name}, "
            f"the first in {first.file}:{first.line}: {first.detail}",
            errors=[msgspec.structs.asdict(finding) for finding in errors],
        )
    return examination.estate


def examine(
    root: Path,
    environment: str = "local",
    today: date | None = None,
    promised: Promised = MappingProxyType({}),
    replayable: Replayable = NOTHING_CARRIED,
    compare: Compare = compare,
) -> Examination:
    """Everything read and checked. Raises EstateInvalid only when the folder is no estate at all.

    Of the linter's findings the errors are among them; its advice is told by `interlock lint`.
    `today` decides what has expired; without it nothing has: an engine must not refuse to restart at midnight.
    `promised` are the plans of before: a sunset comes no earlier. `replayable` is what a store still carries.
    """
    folder = Folder(root)
    findings = Findings()
    declared = read_declarations(folder, environment, findings)
    settings, owners, systems = declared.settings, declared.owners, declared.systems
    events, operations = _contracts(folder, declared, findings)
    find_secrets(folder, findings)
    latest = {contract.type: contract for contract in events}
    apis = {operation.name: operation for _, operation in operations}
    package = EstatePackage(folder, estate_hash := folder.hash)
    package.install()
    flows = read_flows(folder, package, Known(latest, apis, systems, owners), findings)
    _check_unhandled(operations, flows.api_subjects, findings)
    versions = contract_versions(folder.files)
    plans = read_deprecations(folder, versions, owners, settings, findings)
    check_deprecations(plans, versions, today, findings)
    check_sunsets(promised, plans, versions, today, findings)
    readers = Readers(flows.by_name.values(), folder)
    mode = settings.contracts.compatibility
    VersionChecks(mode, readers, declared.waivers, findings, compare, today).run(versions)
    ReplayableChecks(replayable, findings, compare).run(versions)
    waived = apply_waivers(declared.waivers, findings, today)
    estate = Estate(
        root=folder.root, name=settings.estate.name, hash=estate_hash, package=package.name, environment=environment,
        settings=settings, contracts=_frozen({(contract.type, contract.version): contract for contract in events}),
        latest=_frozen(latest), apis=_frozen(apis), flows=_frozen(flows.by_name), systems=_frozen(systems),
        owners=_frozen(owners), plans=_frozen(plans.by_major), sources=_frozen(declared.sources),
    )  # fmt: skip
    shown = tuple(one for one in findings.all() if one.severity == "error" or BY_ID[one.code].needed)
    return Examination(estate, shown, _contract_files(folder), waived)


def _contracts(
    folder: Folder, declared: Declarations, findings: Findings
) -> tuple[list[EventContract], list[tuple[str, ApiOperation]]]:
    events = read_events(folder, declared.owners, findings)
    operations = read_apis(folder, declared.owners, findings)
    check_addresses(operations, declared.settings, findings)
    read_webhooks(folder, declared.owners, findings)
    check_models(folder, events, findings)
    return events, operations


def _contract_files(folder: Folder) -> tuple[str, ...]:
    return tuple(path for place in (EVENTS, APIS, WEBHOOKS) for path in folder.under(place, ""))


def _check_unhandled(
    operations: Iterable[tuple[str, ApiOperation]], handled: frozenset[str], findings: Findings
) -> None:
    for path, operation in operations:
        if operation.name not in handled:
            findings.add("API_UNHANDLED", path, 1, f"No flow serves {operation.name}.")


def _frozen(mapping: Mapping[K, V]) -> Mapping[K, V]:
    return MappingProxyType(mapping)


def _counted(total: int, noun: str) -> str:
    return f"{total} {noun}" if total == 1 else f"{total} {noun}s"
