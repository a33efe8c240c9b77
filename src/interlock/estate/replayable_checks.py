"""Holds the newest version of each contract to every version that a store still carries (C12): a replay, a redrive or
a parked event brings documents of them, whatever the version history says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from interlock.contracts.comparison import refused
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.witness import witness_text
from interlock.estate.contract_versions import ContractVersion, Versions
from interlock.estate.findings import Findings
from interlock.estate.folder import MARKER
from interlock.estate.version_checks import Compare
from interlock.model.carried import Carried, said

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Replayable:
    """What a store carries. `documents`: schemas by (type, version) that its registry keeps, for those without file."""

    carried: Sequence[Carried] = ()
    documents: Mapping[tuple[str, str], Any] = field(default_factory=dict)


NOTHING_CARRIED = Replayable()


class ReplayableChecks:
    def __init__(self, replayable: Replayable, findings: Findings, compare: Compare) -> None:
        self._replayable = replayable
        self._findings = findings
        self._compare = compare

    def run(self, versions: Versions) -> None:
        files: dict[str, list[ContractVersion]] = {}
        for every in versions.values():
            for one in every:
                if one.kind == "event":
                    files.setdefault(one.event_type, []).append(one)
        rows = sorted(self._replayable.carried)
        for (event_type, version), carried in groupby(rows, key=lambda row: (row.type, row.version)):
            self._check(event_type, version, said(carried), files.get(event_type, []))

    def _check(self, event_type: str, version: str, carried: str, files: list[ContractVersion]) -> None:
        newest = files[-1] if files else None
        if newest is None:
            detail = f"{event_type} {version} is carried by {carried}, and no contract declares {event_type}."
            self._findings.add("REPLAYABLE_UNKNOWN", MARKER, 1, detail)
        elif str(newest.version) != version:
            own = next((one.document for one in files if str(one.version) == version), None)
            old = own if own is not None else self._replayable.documents.get((event_type, version))
            if old is None:
                detail = f"{event_type} {version} is carried by {carried}; its schema is in no file and in no registry."
                self._findings.add("REPLAYABLE_UNKNOWN", newest.file, 1, detail)
            else:
                self._judge(event_type, version, carried, old, newest)

    def _judge(self, event_type: str, version: str, carried: str, old: Any, newest: ContractVersion) -> None:
        lead = f"{event_type} {version} is carried by {carried}"
        try:
            comparison = self._compare(old, newest.document, mode="BACKWARD", kind="json-schema")
        except ContractInvalid as invalid:
            detail = f"{lead}; {newest.version} cannot be compared with it: {invalid.detail}"
            self._findings.add("REPLAYABLE_BROKEN", newest.file, newest.line(invalid.pointer), detail)
            return
        harmful = [one for one in comparison.findings if refused(one)]
        for at, finding in enumerate(harmful[:_SHOWN], 1):
            more = f" And {len(harmful) - _SHOWN} more." if at == _SHOWN < len(harmful) else ""
            head = f"{lead}; {newest.version} does not read it, {finding.rule}: {finding.message}{more}"
            lines = [head, witness_text(finding, version, str(newest.version))]
            self._findings.add(
                "REPLAYABLE_BROKEN",
                newest.file,
                newest.line(finding.path),
                "\n".join(filter(None, lines)),
                pointer=finding.path,
            )
