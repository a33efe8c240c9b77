"""Makes a part of an estate from a template: all its files or none, and the classes that they need."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from interlock.contracts.event_contract import EventContract
from interlock.contracts.models import class_name
from interlock.estate.contract_files import read_events
from interlock.estate.contract_versions import contract_versions
from interlock.estate.findings import Findings
from interlock.estate.folder import Folder
from interlock.estate.model_files import write_domains
from interlock.estate.part_name import Values, values_of
from interlock.estate.setting_files import OWNERS, read_owners
from interlock.estate.template import Template
from interlock.estate.template_files import FilesExist, rendered, write_new

_DOMAIN = re.compile(r"contracts/events/([^/]+)/")
_SHOWN = 5


class PartRefused(Exception):
    """Nothing was written. `exists` tells a part that is there already from a request that makes no sense."""

    def __init__(self, detail: str, step: str, *, exists: bool = False) -> None:
        super().__init__(detail)
        self.detail = detail
        self.step = step
        self.exists = exists


@dataclass(frozen=True, slots=True)
class NewPart:
    """What was made. `written` are paths relative to the estate, generated files last.

    stale   generated files that were left as they are, because their domain has mistakes of its own
    """

    template: Template
    name: str
    written: tuple[str, ...]
    stale: tuple[str, ...] = ()


def make_part(root: Path, template: Template, name: str, owner: str | None = None, event: str | None = None) -> NewPart:
    """Raises PartRefused, NameRefused, and EstateInvalid when the folder is no estate."""
    folder = Folder(root)
    values = values_of(template.kind, template.id, name)
    values["owner"] = owner_of(folder, owner)
    if template.event:
        values |= _event(folder, event)
    texts = rendered(template, values)
    _check_new(folder, values, texts)
    try:
        write_new(folder.root, texts)
    except FilesExist as there:
        raise _standing(there.paths) from None
    generated, stale = write_domains(Folder(root), {match[1] for path in texts if (match := _DOMAIN.match(path))})
    return NewPart(template, name, (*texts, *generated), stale)


def owner_of(folder: Folder, wanted: str | None) -> str:
    known = read_owners(folder, Findings())
    if wanted is not None:
        if wanted in known:
            return wanted
        close = difflib.get_close_matches(wanted, known, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise PartRefused(f"{wanted} is not in {OWNERS}.{hint}", f'Add it there: [{wanted}] with contact = "mailto:…"')
    if len(known) == 1:
        return next(iter(known))
    if known:
        raise PartRefused(f"{OWNERS} has {len(known)} owners.", f"Say which with --owner: {', '.join(known)}")
    raise PartRefused(f"{OWNERS} has no owner yet.", 'Add one there: [team-…] with contact = "mailto:…"')


def _event(folder: Folder, wanted: str | None) -> Values:
    """The event that the flow waits for: the one named, or the only one."""
    known = {one.type: one for one in read_events(folder, read_owners(folder, Findings()), Findings())}
    if not known:
        raise PartRefused("The estate has no event yet.", "Make one first: interlock new event orders.OrderPlaced")
    if wanted is None and len(known) > 1:
        some = ", ".join([*known][:_SHOWN]) + (", …" if len(known) > _SHOWN else "")
        raise PartRefused(f"The estate has {len(known)} events.", f"Say which with --on: {some}")
    found = known.get(wanted) if wanted else next(iter(known.values()))
    if found is None:
        close = difflib.get_close_matches(wanted or "", known, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise PartRefused(f"No contract declares {wanted}.{hint}", f"Make it: interlock new event {wanted}")
    return _values(found)


def _values(event: EventContract) -> Values:
    return {"event_domain": event.domain, "event_class": class_name(event), "event_type": event.type}


def _check_new(folder: Folder, values: Values, texts: Mapping[str, str]) -> None:
    """Nothing of that name in another file or version."""
    new = contract_versions({path: text.encode() for path, text in texts.items()})
    for contract in new.keys() & contract_versions(folder.files).keys():
        raise PartRefused(
            f"{contract} exists.", f"Make its next version: interlock new version {contract}", exists=True
        )
    _standing_files(folder, texts)
    name = values.get("name", "")
    flow = re.compile(rf"""\bFlow\(\s*["']{re.escape(name)}["']""")
    for path in folder.under("flows", ".py"):
        if f"flows/{values.get('module')}.py" in texts and flow.search(folder.files[path].decode(errors="replace")):
            raise PartRefused(f"{path} has a flow named {name}.", "Choose another name.", exists=True)


def _standing_files(folder: Folder, texts: Mapping[str, str]) -> None:
    standing = [path for path in texts if path in folder.files]
    if standing:
        raise _standing(standing)


def _standing(paths: list[str]) -> PartRefused:
    verb = "exists" if len(paths) == 1 else "exist"
    return PartRefused(f"{', '.join(paths)} {verb}; nothing was written.", "Choose another name.", exists=True)
