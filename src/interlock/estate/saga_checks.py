"""What can be said of a flow's sagas without running them."""

from __future__ import annotations

from collections.abc import Callable, Collection

from interlock.estate.findings import Findings
from interlock.sdk.flow import Flow, HandlerSpec, SagaSpec

Place = tuple[str, int]


def check_sagas(
    flow: Flow, place_of: Callable[[HandlerSpec], Place], known: Collection[str], findings: Findings
) -> None:
    """Each event that a flow takes has one use in it; a saga's name and version say which code a run has."""
    taken = {spec.subject for spec in flow.specs if spec.trigger == "event"}
    versions: set[tuple[str, int]] = set()
    begins: dict[str, str] = {}
    for saga in flow.sagas:
        file, line = place_of(saga.spec)
        for event_type in (saga.subject, *saga.waits_for):
            if event_type not in known:
                findings.add("UNKNOWN_EVENT_TYPE", file, line, f"No contract declares {event_type}.")
            if event_type in taken:
                detail = f"{flow.name} has a handler for {event_type} beside the saga {saga.name}: use another flow."
                findings.add("HANDLER_DUPLICATE", file, line, detail)
        if (saga.name, saga.version) in versions:
            detail = f"{flow.name} has two sagas {saga.name} of version {saga.version}."
            findings.add("HANDLER_DUPLICATE", file, line, detail)
        versions.add((saga.name, saga.version))
        if begins.setdefault(saga.subject, saga.name) != saga.name:
            detail = f"{saga.subject} begins {begins[saga.subject]} already: use another flow for {saga.name}."
            findings.add("HANDLER_DUPLICATE", file, line, detail)
    for saga in flow.sagas:
        _check_waits(flow, saga, begins, place_of, findings)


def _check_waits(
    flow: Flow, saga: SagaSpec, begins: Collection[str], place_of: Callable[[HandlerSpec], Place], findings: Findings
) -> None:
    for event_type in saga.waits_for:
        if event_type in begins:
            detail = f"{saga.name} waits for {event_type}, which begins a saga of {flow.name}: use two flows."
            findings.add("HANDLER_DUPLICATE", *place_of(saga.spec), detail)
