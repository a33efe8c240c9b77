"""The estate's systems as targets of calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from interlock.delivery.request import Target
from interlock.delivery.webhook_signature import SigningKeys
from interlock.model.problems import SettingInvalid
from interlock.model.record import DeliveryRow
from interlock.model.retry import RetrySchedule

if TYPE_CHECKING:
    from interlock.estate.system import System

UNKNOWN = ""  # stands for all operations that the estate does not have
NO_RETRY = RetrySchedule(())


def subject_of(row: DeliveryRow) -> str:
    """The operation's name in full, `payments.charge`."""
    return _subject(row.system, row.operation)


def targets_of(systems: Mapping[str, System], secrets: Mapping[str, str | bytes]) -> dict[str, Target]:
    """One target for each operation, by its name in full. `secrets` by name of system.

    Raises SettingInvalid when a secret is malformed, or missing where the system refers to one.
    """
    targets = {}
    for system in systems.values():
        keys = _keys(system, secrets)
        for operation in system.operations.values():
            name = _subject(system.name, operation.name)
            targets[name] = Target(
                name=name,
                system=system.name,
                method=operation.method.upper(),
                url=system.base_url.rstrip("/") + "/" + operation.path.lstrip("/"),
                timeout_seconds=operation.timeout_seconds,
                concurrency=operation.concurrency,
                retry=operation.retry,
                keys=keys,
            )
    return targets


def _keys(system: System, secrets: Mapping[str, str | bytes]) -> SigningKeys | None:
    secret = secrets.get(system.name)
    if secret is not None:
        return SigningKeys.parse(secret)
    if system.secret_ref is not None:
        raise SettingInvalid(
            f"System {system.name} signs its calls with {system.secret_ref}, which has no value.",
            next_step=f"Set {system.secret_ref.removeprefix('env:')} to a whsec_… secret.",
        )
    return None


def _subject(system: str, operation: str) -> str:
    return operation if operation.startswith(system + ".") else f"{system}.{operation}"
