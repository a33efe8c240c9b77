"""Writes the small estate that `interlock init` makes."""

from __future__ import annotations

import shutil
from pathlib import Path

from interlock.estate.contract_files import read_events
from interlock.estate.findings import Findings
from interlock.estate.folder import Folder
from interlock.estate.model_files import write_models
from interlock.estate.setting_files import read_owners
from interlock.estate.template import of_kind
from interlock.estate.template_files import rendered, write_new


def write_starter(target: Path, name: str) -> None:
    """The whole estate under `target`, which must not exist. All of it or nothing: a failure leaves no folder."""
    target.mkdir(parents=True)
    try:
        write_new(target, rendered(of_kind("estate")[0], {"name": name}))
        folder, findings = Folder(target), Findings()
        write_models(folder, read_events(folder, read_owners(folder, findings), findings))
    except BaseException:
        shutil.rmtree(target)
        raise
