"""Settings that refer to the environment, for values that may hold a secret."""

from __future__ import annotations

from collections.abc import Mapping

from interlock.model.problems import SettingInvalid

REFERENCE = "env:"


def value_of(setting: str, reference: str, example: str, environ: Mapping[str, str]) -> str:
    """What the reference stands for; its value is never shown. SettingInvalid when it is not set."""
    name = reference.removeprefix(REFERENCE)
    if not environ.get(name):
        raise SettingInvalid(
            f"{setting} refers to the environment variable {name}, which is not set.",
            next_step=f"Set it, as in: export {name}={example}",
        )
    return environ[name]
