"""The record of an estate, for commands that only look."""

from __future__ import annotations

from pathlib import Path

from interlock.adapters.sqlite import SqliteReader
from interlock.estate.estate import Estate
from interlock.model.problems import SettingInvalid
from interlock.ports.record_reader import RecordReader


def store_of(estate: Estate) -> Path:
    """The file of the estate's store."""
    if estate.settings.stores.kind == "memory":
        raise SettingInvalid("The memory store keeps no record outside its process.")
    return estate.store_path


def open_store_reader(store: Path) -> RecordReader:
    """Read-only, by the store's own path; also while an engine runs. NotFound when there is none."""
    return SqliteReader(store)
