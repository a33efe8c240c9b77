"""Secrets by reference. The first form knows the environment; the vault takes over this place."""

from __future__ import annotations

from collections.abc import Mapping

from interlock.estate.system import System
from interlock.model.problems import SettingInvalid


def signing_secrets(systems: Mapping[str, System], environ: Mapping[str, str]) -> dict[str, str | bytes]:
    """System name -> Standard Webhooks secret. Every missing one is named at once; no value is ever shown."""
    found: dict[str, str | bytes] = {}
    missing: list[str] = []
    for system in systems.values():
        if system.secret_ref is None:
            continue
        name = system.secret_ref.removeprefix("env:")
        if environ.get(name):
            found[system.name] = environ[name]
        else:
            missing.append(f"{name} (system {system.name})")
    if missing:
        raise SettingInvalid(
            f"Secrets that the systems refer to are not set: {', '.join(missing)}.",
            next_step="Set these environment variables; a Standard Webhooks secret looks like whsec_<base64>.",
        )
    return found
