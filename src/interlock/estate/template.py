"""The templates of `interlock new`, as data. Their files lie under templates/<kind>/<id>/ beside this module."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

TemplateKind = Literal["event", "api", "webhook", "flow", "estate"]
KINDS: tuple[TemplateKind, ...] = get_args(TemplateKind)


@dataclass(frozen=True, slots=True)
class Template:
    """What can be made. The first template of a kind is the one that is made when none is named.

    event   whether its flow needs an event that the estate has (`--on`)
    waits   what of it does not run yet, as a sentence for whoever makes one; empty where all runs
    """

    kind: TemplateKind
    id: str
    purpose: str
    event: bool = False
    waits: str = ""


TEMPLATES: tuple[Template, ...] = (
    Template("event", "versioned", "a fact: contract 1.0.0 with an example to send, and its generated class"),
    Template(
        "api",
        "rest",
        "a REST resource: Idempotency-Key, problem+json, ETag and If-Match (409, 412, 428), pages; and its flow",
        waits="create and get are served by the flow. list and replace stand in the contract only: the gateway does "
        "not yet hand If-Match and query parameters to flows, nor send ETag. A mock serves all: interlock mock {file}",
    ),
    Template(
        "webhook",
        "inbound",
        "what another party will send, with the signature that it must carry",
        waits="Interlock does not receive webhooks yet: nothing verifies this signature. Until then receive it in a "
        "service of yours, verify it there, and hand it on as an event: POST /events",
    ),
    Template(
        "webhook", "outbound", "signed calls to a subscriber for each event (Standard Webhooks), retried", event=True
    ),
    Template("flow", "on-event", "code that runs once for each event, with a runbook and an SLO", event=True),
    Template("flow", "nightly-sync", "each night all changes of another system, page by page, as events"),
    Template("flow", "upsert-contacts", "contacts into another system: once each, and only what changed"),
    Template("flow", "reconcile-payouts", "each payout against the payments that it claims to pay, breaks by cause"),
    Template("estate", "starter", "an estate with one event, one flow, one SLO and one runbook"),
)


def of_kind(kind: TemplateKind) -> tuple[Template, ...]:
    return tuple(template for template in TEMPLATES if template.kind == kind)
