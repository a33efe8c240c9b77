"""Every error that Interlock raises or answers, as one tree, branched by who must act.

Problem
├── CallerProblem            the sender must change the request
│   ├── MalformedRequest         400  the bytes are not what they claim to be
│   ├── HostileJson              400  JSON that parsers disagree about
│   ├── IdempotencyKeyMissing    400  the route requires Idempotency-Key
│   ├── HeaderLimit              431  too many or too large headers
│   ├── NotFound                 404  no such route, contract or record
│   ├── MethodNotAllowed         405  the route exists, the method does not
│   ├── RequestTimeout           408  the request did not arrive in time
│   ├── BodyTooLarge             413  body beyond the limit
│   ├── UnsupportedMediaType     415  content type that the route does not speak
│   ├── UnknownContract          422  no contract of that type and version
│   ├── ContractViolation        422  the document breaks its contract
│   ├── IdempotencyKeyReused     422  same key, other body
│   └── Rejected                 422  a handler refused the input for good
├── ConflictProblem          two parties must agree first
│   ├── IdempotencyKeyInFlight   409  the first request with this key still runs
│   ├── BusinessConflict         409  a rule of the business forbids it now
│   ├── CounterRefused           409  a bounded counter would leave its bounds
│   ├── StaleRead                409  a value changed between read and commit
│   ├── LeasedElsewhere          409  another process has the partition
│   └── AlreadyHandled           409  this handling has its mark
├── UnavailableProblem       try again later
│   ├── TooManyRequests          429  beyond the concurrent-request or back-pressure limit
│   ├── Draining                 503  the engine is stopping
│   ├── StorageUnavailable       503  the store did not answer in time, or is locked
│   ├── StorageFull              503  no room on the disk
│   └── TargetUnavailable        503  an outside system did not answer as agreed
├── ConfigurationProblem     the operator or the estate's author must act
│   ├── EstateInvalid            500  the estate has mistakes
│   ├── SettingInvalid           500  a setting has no sense
│   ├── AlreadyRunning           500  another process owns the store
│   ├── EventsExpired            500  the log dropped events that were not read yet
│   ├── TransactionMissing       500  an event would be committed by itself
│   └── FormatUnsupported        500  the store was written by another format
└── InternalProblem          we must act
    ├── HandlerFailed            500  a handler raised
    ├── Diverged                 500  a saga's code does not do what its journal says it did
    ├── Fenced                   500  a newer owner holds the epoch
    ├── StorageCorrupt           500  the store contradicts itself
    ├── Closed                   500  used after close
    └── Unexpected               500  a defect in Interlock

Rendered as RFC 9457 problem details by `interlock.model.problems.to_document`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

TYPE_PREFIX = "https://interlock.dev/problems/"


class Problem(Exception):
    """One thing that went wrong, said once: what, where, and the next step.

    `detail` states what happened; `next_step` is an imperative sentence. `errors` lists one entry per offending
    place, each with a JSON Pointer (RFC 6901) under `pointer` and a `detail`.
    """

    code: ClassVar[str] = "problem"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Problem"
    retryable: ClassVar[bool] = False
    next_step: ClassVar[str] = "See the documentation of this problem type."

    def __init__(
        self,
        detail: str,
        *,
        next_step: str | None = None,
        errors: Sequence[Mapping[str, Any]] = (),
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.step = next_step or self.next_step
        self.errors = tuple(errors)
        self.retry_after_seconds = retry_after_seconds

    def __str__(self) -> str:
        return f"{self.detail} {self.step}"


class CallerProblem(Problem):
    code = "caller"
    status = 400
    title = "The request cannot be served as sent"
    next_step = "Change the request and send it again."


class MalformedRequest(CallerProblem):
    code = "malformed_request"
    title = "Malformed request"


class HostileJson(CallerProblem):
    code = "hostile_json"
    title = "JSON that parsers disagree about"
    next_step = "Send strict I-JSON (RFC 7493): unique names, UTF-8, finite numbers, bounded depth."


class IdempotencyKeyMissing(CallerProblem):
    code = "idempotency_key_missing"
    title = "Idempotency-Key is missing"
    next_step = "Send an Idempotency-Key header, a quoted string that is unique for this operation."


class HeaderLimit(CallerProblem):
    code = "header_limit"
    status = 431
    title = "Too many or too large headers"
    next_step = "Send fewer or shorter headers."


class NotFound(CallerProblem):
    code = "not_found"
    status = 404
    title = "Not found"
    next_step = "Check the address, or list what exists with: interlock status"


class MethodNotAllowed(CallerProblem):
    code = "method_not_allowed"
    status = 405
    title = "Method not allowed"
    next_step = "Use one of the methods in the Allow header."


class RequestTimeout(CallerProblem):
    code = "request_timeout"
    status = 408
    title = "The request did not arrive in time"
    retryable = True
    next_step = "Send the whole request at once."


class BodyTooLarge(CallerProblem):
    code = "body_too_large"
    status = 413
    title = "Body too large"
    next_step = "Send a smaller body, or raise limits.body_bytes."


class UnsupportedMediaType(CallerProblem):
    code = "unsupported_media_type"
    status = 415
    title = "Unsupported media type"
    next_step = "Use one of the media types that the detail names."


class UnknownContract(CallerProblem):
    code = "unknown_contract"
    status = 422
    title = "Unknown contract"
    next_step = "Use a type and version that the estate declares."


class ContractViolation(CallerProblem):
    code = "contract_violation"
    status = 422
    title = "The document breaks its contract"
    next_step = "Correct the fields listed under errors."


class IdempotencyKeyReused(CallerProblem):
    code = "idempotency_key_reused"
    status = 422
    title = "Idempotency-Key used with another body"
    next_step = "Use a new key for a new operation."


class Rejected(CallerProblem):
    """Raised by handlers: this input will never succeed. Dead-lettered at once, without retries."""

    code = "rejected"
    status = 422
    title = "Refused for good"
    next_step = "Correct the data at its source; then redrive or discard it with: interlock dlq"

    def __init__(self, reason: str, detail: str = "", **more: Any) -> None:
        super().__init__(detail or reason, **more)
        self.reason = reason


class ConflictProblem(Problem):
    code = "conflict"
    status = 409
    title = "Conflict"
    next_step = "Read the current state, then decide again."


class IdempotencyKeyInFlight(ConflictProblem):
    code = "idempotency_key_in_flight"
    title = "The first request with this key still runs"
    retryable = True
    next_step = "Wait, then send the same request with the same key."


class BusinessConflict(ConflictProblem):
    code = "business_conflict"
    title = "A rule of the business forbids this now"


class CounterRefused(ConflictProblem):
    code = "counter_refused"
    title = "A bounded counter would leave its bounds"
    retryable = True
    next_step = "Wait until the counter was refilled, or handle the shortage in the flow."


class StaleRead(ConflictProblem):
    code = "stale_read"
    title = "A value changed between read and commit"
    retryable = True


class LeasedElsewhere(ConflictProblem):
    code = "leased_elsewhere"
    title = "Another process has the partition"
    retryable = True
    next_step = "See who has it with: interlock status. Ask that one."


class AlreadyHandled(ConflictProblem):
    code = "already_handled"
    title = "This handling has its mark already"


class UnavailableProblem(Problem):
    code = "unavailable"
    status = 503
    title = "Unavailable"
    retryable = True
    next_step = "Try again after the time in Retry-After."


class TooManyRequests(UnavailableProblem):
    code = "too_many_requests"
    status = 429
    title = "Too many requests"


class Draining(UnavailableProblem):
    code = "draining"
    title = "The engine is stopping"


class StorageUnavailable(UnavailableProblem):
    code = "storage_unavailable"
    title = "The store is unavailable"


class StorageFull(UnavailableProblem):
    code = "storage_full"
    title = "The disk is full"
    next_step = "Free disk space; nothing accepted was lost."


class TargetUnavailable(UnavailableProblem):
    code = "target_unavailable"
    title = "An outside system did not answer as agreed"


class ConfigurationProblem(Problem):
    code = "configuration"
    title = "Configuration"
    next_step = "Run: interlock check"


class EstateInvalid(ConfigurationProblem):
    code = "estate_invalid"
    title = "The estate has mistakes"


class SettingInvalid(ConfigurationProblem):
    code = "setting_invalid"
    title = "A setting has no sense"
    next_step = "Correct it in interlock.toml; docs/reference/settings.md lists every setting."


class AlreadyRunning(ConfigurationProblem):
    code = "already_running"
    title = "Another process owns this store"
    next_step = "Stop the other process, or point stores.path at another file."


class EventsExpired(ConfigurationProblem):
    """`first`: the first position of the partition that is still there."""

    code = "events_expired"
    title = "The log dropped events that were not read yet"
    next_step = (
        "See where flows stand with: interlock expired list. Keep events longer than the longest outage; what expired "
        "can only come again from its sender."
    )

    def __init__(self, detail: str, *, first: int, **more: Any) -> None:
        super().__init__(detail, **more)
        self.first = first


class TransactionMissing(ConfigurationProblem):
    code = "transaction_missing"
    title = "An event would be committed by itself"
    next_step = "Begin a transaction, and write the rows of the application and the event within it."


class FormatUnsupported(ConfigurationProblem):
    code = "format_unsupported"
    title = "The store has another format"
    next_step = "Run the release of Interlock that wrote it, or a newer one."


class InternalProblem(Problem):
    code = "internal"
    title = "Internal error"
    next_step = "Report it with the output of: interlock why"


class HandlerFailed(InternalProblem):
    code = "handler_failed"
    title = "A handler raised"
    retryable = True
    next_step = "See the attempts with: interlock dlq show"


class Diverged(InternalProblem):
    code = "diverged"
    title = "A saga's code does not do what its journal says it did"
    next_step = "Bring the code back that the run began with, as a version of its own, then redrive the event."


class Fenced(InternalProblem):
    code = "fenced"
    title = "A newer owner holds the epoch"
    next_step = "Stop this process; another one has taken over."


class StorageCorrupt(InternalProblem):
    code = "storage_corrupt"
    title = "The store contradicts itself"
    next_step = "Stop, keep the files, restore the last backup."


class Closed(InternalProblem):
    code = "closed"
    title = "Used after close"
    next_step = "Open it again."


class Unexpected(InternalProblem):
    code = "unexpected"
    title = "Unexpected error"

    @classmethod
    def of(cls, error: BaseException, what: str = "") -> Unexpected:
        """A defect that showed as this error. It is kept as the cause, so that the log can say where it was raised."""
        problem = cls(f"{what}{': ' if what else ''}{type(error).__name__}: {error}.")
        problem.__cause__ = error
        return problem


def problem_of(error: BaseException, what: str) -> Problem:
    """The error where it is a problem, else the defect that it shows. `what` broke, in words."""
    return error if isinstance(error, Problem) else Unexpected.of(error, what)


def to_document(problem: Problem, *, instance: str | None = None) -> dict[str, Any]:
    """RFC 9457 section 3 members, plus `code`, `next_step` and, where present, `errors`."""
    document: dict[str, Any] = {
        "type": TYPE_PREFIX + problem.code,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "next_step": problem.step,
    }
    if problem.errors:
        document["errors"] = [dict(entry) for entry in problem.errors]
    if instance is not None:
        document["instance"] = instance
    return document


def every_problem(root: type[Problem] = Problem) -> list[type[Problem]]:
    """The tree in depth-first order of definition, root first."""
    found = [root]
    for child in root.__subclasses__():
        if child.__module__ == __name__:
            found.extend(every_problem(child))
    return found
