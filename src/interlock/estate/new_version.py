"""Makes the next version of a contract: a copy of its latest, and for a new major the plan for the old one's end."""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from interlock.contracts.comparison import Level
from interlock.contracts.semver import SemanticVersion
from interlock.estate.contract_files import read_events
from interlock.estate.contract_versions import ContractVersion, contract_versions, own_path
from interlock.estate.deprecation_file import DEPRECATIONS, read_deprecations
from interlock.estate.findings import Findings
from interlock.estate.folder import Folder
from interlock.estate.model_files import write_models
from interlock.estate.setting_files import read_owners, read_settings
from interlock.estate.version_checks import bumped
from interlock.model.problems import EstateInvalid


@dataclass(frozen=True, slots=True)
class NewVersion:
    """What was made. `written` are paths relative to the estate; `plan` says whether a deprecation was added."""

    contract: str
    old: SemanticVersion
    new: SemanticVersion
    file: str
    written: tuple[str, ...]
    plan: bool


def make_version(root: Path, contract: str, level: Level, today: date) -> NewVersion:
    """Raises EstateInvalid when there is no such contract, or its latest version cannot be read."""
    folder = Folder(root)
    latest = _latest(folder, contract)
    new = bumped(latest.version, level)
    file = f"{latest.folder}/{new}.json"
    content = _content(latest, new, level)
    plan = _plan(folder, latest, new, today) if level == "major" else ""
    (folder.root / file).write_text(content, encoding="utf-8", newline="\n")
    written = [file]
    if plan:
        place = folder.root / DEPRECATIONS
        before = place.read_text(encoding="utf-8") if place.is_file() else ""
        place.write_text((before.rstrip("\n") + "\n\n" if before else "") + plan, encoding="utf-8", newline="\n")
        written.append(DEPRECATIONS)
    after, findings = Folder(root), Findings()
    models = write_models(after, read_events(after, read_owners(after, findings), findings))
    written += [path.as_posix() for path in models]
    return NewVersion(latest.name, latest.version, new, file, tuple(written), bool(plan))


def _latest(folder: Folder, contract: str) -> ContractVersion:
    versions = contract_versions(folder.files)
    if contract not in versions:
        close = difflib.get_close_matches(contract, versions, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise EstateInvalid(
            f"The estate has no contract {contract}.{hint}",
            next_step="Name it as orders.OrderPlaced, apis/shop or webhooks/github/push.",
        )
    latest = versions[contract][-1]
    if latest.text is None:
        raise EstateInvalid(f"{latest.file} cannot be read.", next_step="Correct it first: interlock check")
    return latest


def _content(latest: ContractVersion, new: SemanticVersion, level: Level) -> str:
    """The same bytes where no version stands inside; only an API names its own, and its paths by major."""
    text = latest.content.decode()
    if latest.kind != "api":
        return text
    if level != "major":
        changed = re.sub(rf'("version"\s*:\s*)"{re.escape(str(latest.version))}"', rf'\g<1>"{new}"', text, count=1)
        wanted = {**latest.document, "info": {**latest.document["info"], "version": str(new)}}
        if json.loads(changed) == wanted:
            return changed
        return _printed(wanted)
    paths = {own_path(path, new.major): item for path, item in latest.document.get("paths", {}).items()}
    return _printed({**latest.document, "info": {**latest.document["info"], "version": str(new)}, "paths": paths})


def _plan(folder: Folder, latest: ContractVersion, new: SemanticVersion, today: date) -> str:
    """The table to add; nothing where the old major has one."""
    findings = Findings()
    settings, owners = read_settings(folder, "local", findings), read_owners(folder, findings)
    plans = read_deprecations(folder, contract_versions(folder.files), owners, settings, findings)
    if (latest.name, latest.version.major) in plans.begun:
        return ""
    sunset = today + timedelta(days=settings.contracts.sunset_notice_days)
    rows = {
        "contract": json.dumps(latest.name), "major": str(latest.version.major), "deprecated": today.isoformat(),
        "sunset": sunset.isoformat(), "successor": json.dumps(str(new)), "contact": json.dumps(_owner(latest)),
        "reason": json.dumps(f"Superseded by {new}."),
    }  # fmt: skip
    return "[[deprecation]]\n" + "".join(f"{name} = {value}\n" for name, value in rows.items())


def _owner(latest: ContractVersion) -> str:
    extension = latest.document.get("x-interlock")
    return str(extension.get("owner", "")) if isinstance(extension, dict) else ""


def _printed(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
