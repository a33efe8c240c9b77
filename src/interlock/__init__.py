"""Interlock: contract-first integration, with guarantees that can be defended in a postmortem."""

from interlock.model.problems import BusinessConflict, NotFound, Rejected
from interlock.model.retry import RetrySchedule, exponential
from interlock.sdk.context import Context
from interlock.sdk.drill import Drill
from interlock.sdk.flow import Flow
from interlock.sdk.reply import Answer, Reply, Tick
from interlock.sdk.saga import SagaContext, StepFailed, TimedOut

__all__ = [
    "Answer",
    "BusinessConflict",
    "Context",
    "Drill",
    "Flow",
    "NotFound",
    "Rejected",
    "Reply",
    "RetrySchedule",
    "SagaContext",
    "StepFailed",
    "Tick",
    "TimedOut",
    "exponential",
]
__version__ = "0.1.0"
