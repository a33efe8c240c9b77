"""From one run of a handler to the step that makes its outcome durable."""

from __future__ import annotations

from interlock.flows.handler_run import HandlerRun
from interlock.flows.verdict import Failure
from interlock.model.handling import HandlingState
from interlock.model.record import FailedAttempt, HandlingRow, Held
from interlock.model.step import EMPTY, Step, StepResult
from interlock.sdk.flow import Flow


def step_of(
    flow: Flow,
    run: HandlerRun,
    state: HandlingState,
    duration_us: int,
    result: StepResult = EMPTY,
    error: str | None = None,
    held: Held | None = None,
    failed: FailedAttempt | None = None,
) -> Step:
    """A parked key's head that is not held again is released."""
    row = HandlingRow(
        flow.name,
        run.event.partition,
        run.position,
        run.generation,
        state,
        run.attempts + 1,
        run.started_us,
        duration_us,
        run.reaction.name,
        flow.version,
        error,
    )
    step = Step(row, result, failed, held)
    if run.held and held is None:
        step.release = run.mark(flow.name)
    return step


def failed_step(
    flow: Flow, run: HandlerRun, failure: Failure, frame: str, duration_us: int, chance: float, now_us: int
) -> Step:
    """Parked until the next attempt is due, or dead-lettered."""
    attempt = run.attempts + 1
    delay_us = None if failure.final else flow.retry.delay_us(attempt - run.forgiven, chance)
    due_us = None if delay_us is None else now_us + delay_us
    state = HandlingState.DEAD if due_us is None else HandlingState.PARKED
    held = Held(
        *run.mark(flow.name),
        run.event.key_hash,
        state,
        attempt,
        due_us,
        now_us,
        failure.code,
        failure.detail,
        state is HandlingState.DEAD and (failure.alone or flow.after_dead_letter == "continue"),
        run.event,
    )
    failed = FailedAttempt(*run.mark(flow.name), attempt, run.started_us, duration_us, failure.code, frame)
    return step_of(flow, run, state, duration_us, EMPTY, failure.code, held, failed)
