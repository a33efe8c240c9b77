"""The generated files contracts/<domain>.py: written by `interlock generate`, compared by `interlock check`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from interlock.contracts.event_contract import EventContract
from interlock.contracts.models import generate
from interlock.estate.client_files import check_clients
from interlock.estate.contract_files import read_events
from interlock.estate.findings import Findings
from interlock.estate.folder import Folder
from interlock.estate.setting_files import read_owners

GENERATED = '"""Events of the domain '


def sources(contracts: Iterable[EventContract]) -> dict[str, str]:
    """Path and source of each generated file."""
    domains: dict[str, list[EventContract]] = {}
    for contract in contracts:
        domains.setdefault(contract.domain, []).append(contract)
    return {f"contracts/{domain}.py": generate(domain, domains[domain]) for domain in sorted(domains)}


def check_models(folder: Folder, contracts: Iterable[EventContract], findings: Findings) -> None:
    """Files that differ, are missing, or have lost their domain; clients too."""
    wanted = sources(contracts)
    for path, source in wanted.items():
        found = folder.files.get(path)
        if found is None:
            findings.add("STALE_MODELS", path, 1, "The generated classes of this domain are missing.")
        elif found != source.encode():
            line = _first_difference(found.decode(errors="replace"), source)
            findings.add("STALE_MODELS", path, line, "The generated classes differ from what the schemas say.")
    for path in orphans(folder, wanted):
        findings.add("STALE_MODELS", path, 1, "This generated file has no schemas any more.")
    check_clients(folder, findings)


def write_models(folder: Folder, contracts: Iterable[EventContract]) -> list[Path]:
    """Writes what differs, takes orphans away; the paths that changed."""
    wanted = sources(contracts)
    changed = []
    for path, source in wanted.items():
        if folder.files.get(path) != source.encode():
            (folder.root / path).write_text(source, encoding="utf-8", newline="\n")
            changed.append(Path(path))
    for path in orphans(folder, wanted):
        (folder.root / path).unlink()
        changed.append(Path(path))
    return changed


def write_domains(folder: Folder, domains: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The classes of these domains only: (what was written, what was left alone since its domain has mistakes)."""
    findings = Findings()
    made = sources(read_events(folder, read_owners(folder, findings), findings))
    written, stale = [], []
    for domain in sorted(domains):
        path = f"contracts/{domain}.py"
        if path not in made or any(one.file.startswith(f"contracts/events/{domain}/") for one in findings.errors):
            stale.append(path)
        elif folder.files.get(path) != made[path].encode():
            (folder.root / path).write_text(made[path], encoding="utf-8", newline="\n")
            written.append(path)
    return tuple(written), tuple(stale)


def orphans(folder: Folder, wanted: Iterable[str]) -> list[str]:
    """Files that we generated once and that nothing asks for now. Files written by hand are left alone."""
    return [
        path
        for path in folder.under("contracts", ".py")
        if path.count("/") == 1 and path not in set(wanted) and folder.files[path].startswith(GENERATED.encode())
    ]


def _first_difference(found: str, wanted: str) -> int:
    for number, (here, there) in enumerate(zip(found.split("\n"), wanted.split("\n"), strict=False), 1):
        if here != there:
            return number
    return min(found.count("\n"), wanted.count("\n")) + 1
