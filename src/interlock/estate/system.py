"""An outside system that flows call, as `systems/<name>.toml` declares it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from interlock.model.retry import DELIVERY_DEFAULT, RetrySchedule

Seconds = Annotated[float, Meta(gt=0)]


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One call that the system offers. `name` is `<system>.<operation>`, as `ctx.call` names it."""

    name: str
    method: str
    path: str
    timeout_seconds: float
    retry: RetrySchedule
    concurrency: int


class System(msgspec.Struct, frozen=True, kw_only=True):
    """`secret_ref` is "env:NAME"; the variable holds the Standard Webhooks secret (whsec_…). None: calls go unsigned.

    `operations` is keyed by the short name ("charge").
    """

    name: str
    owner: str
    base_url: str
    secret_ref: str | None
    operations: Mapping[str, Operation]


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """Who answers for a contract, a flow or a system: a table of `owners.toml`."""

    name: str
    contact: str


class RetryFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    delays_seconds: list[Annotated[float, Meta(ge=0)]]
    jitter: Annotated[float, Meta(ge=0, le=1)] = 0.2


class OperationFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table `[operations.<name>]`."""

    path: Annotated[str, Meta(pattern=r"^/[^\s?#]*\Z")]
    method: Literal["POST", "PUT", "PATCH", "DELETE"] = "POST"
    timeout_seconds: Seconds = 15.0
    concurrency: Annotated[int, Meta(ge=1)] = 16
    retry: RetryFile | None = None

    def operation(self, system: str, name: str) -> Operation:
        retry = self.retry
        return Operation(
            name=f"{system}.{name}",
            method=self.method,
            path=self.path,
            timeout_seconds=self.timeout_seconds,
            retry=RetrySchedule(tuple(retry.delays_seconds), retry.jitter) if retry else DELIVERY_DEFAULT,
            concurrency=self.concurrency,
        )


class SystemFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole file."""

    owner: str
    base_url: Annotated[str, Meta(pattern=r"^https?://[^\s/?#]+[^\s?#]*\Z")]
    operations: dict[str, OperationFile]
    secret: Annotated[str, Meta(pattern=r"^env:[A-Za-z_][A-Za-z0-9_]*\Z")] | None = None

    def system(self, name: str, base_url: str | None) -> System:
        """`base_url` of the environment wins over the file's."""
        return System(
            name=name,
            owner=self.owner,
            base_url=(base_url or self.base_url).rstrip("/"),
            secret_ref=self.secret,
            operations={short: one.operation(name, short) for short, one in self.operations.items()},
        )
