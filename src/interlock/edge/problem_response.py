"""The one renderer of problems to HTTP (RFC 9457)."""

from __future__ import annotations

import orjson

from interlock.edge.exchange import Response
from interlock.model.problems import IdempotencyKeyInFlight, Problem, UnavailableProblem, to_document

PROBLEM_JSON = "application/problem+json"
RETRY_AFTER_SECONDS = 1


def problem_response(problem: Problem, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """Problem details, with Retry-After (RFC 9110 section 10.2.3) wherever waiting alone may help."""
    wait = problem.retry_after_seconds
    if wait is None and isinstance(problem, UnavailableProblem | IdempotencyKeyInFlight):
        wait = RETRY_AFTER_SECONDS
    if wait is not None:
        headers = (*headers, ("retry-after", str(wait)))
    return Response(problem.status, orjson.dumps(to_document(problem), default=str), PROBLEM_JSON, headers)
