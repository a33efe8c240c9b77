"""The header fields by which an answer says that its contract ends, made once from the estate's plans.

Deprecation (RFC 9745 section 2): the date as a structured field. Sunset (RFC 8594 section 3): an HTTP-date. Link (RFC
8288): the page for readers as `deprecation` (RFC 9745 section 3) and `sunset` (RFC 8594 section 6), and the same
operation of the next version as `successor-version` (RFC 5829 section 3.3), where its path has no variables.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from typing import TYPE_CHECKING

from interlock.contracts.deprecation import Deprecation
from interlock.contracts.semver import SemanticVersion
from interlock.edge.exchange import Responder, Response

if TYPE_CHECKING:
    from interlock.contracts.api_contract import ApiOperation
    from interlock.estate.estate import Estate

Fields = tuple[tuple[str, str], ...]


class Ending:
    """The fields of one deprecated event type or operation."""

    __slots__ = ("fields", "sunset")

    def __init__(self, plan: Deprecation, successor: str | None = None) -> None:
        self.sunset = plan.sunset
        links = [f'<{plan.link}>; rel="{relation}"' for relation in ("deprecation", "sunset") if plan.link]
        if successor is not None:
            links.append(f'<{successor}>; rel="successor-version"')
        fields = [("deprecation", f"@{int(_midnight(plan.deprecated).timestamp())}")]
        fields.append(("sunset", format_datetime(_midnight(plan.sunset), usegmt=True)))
        if links:
            fields.append(("link", ", ".join(links)))
        self.fields: Fields = tuple(fields)

    def on(self, respond: Responder) -> Responder:
        """Answers with the fields added."""

        def answer(response: Response) -> None:
            response.headers = (*response.headers, *self.fields)
            respond(response)

        return answer


def event_endings(estate: Estate) -> dict[str, Ending]:
    """By event type; empty when nothing ends, so that the hot path asks nothing."""
    found: dict[str, Ending] = {}
    for contract in estate.latest.values():
        major = SemanticVersion.parse(contract.version).major
        plan = estate.plans.get((f"{contract.domain}.{contract.name}", major))
        if plan is not None:
            found[contract.type] = Ending(plan)
    return found


def operation_ending(estate: Estate, operation: ApiOperation) -> Ending | None:
    """None while nobody plans its end."""
    api = operation.api.partition(".")[0]
    plan = estate.plans.get((f"apis/{api}", SemanticVersion.parse(operation.version).major))
    return Ending(plan, _successor(estate, operation, plan)) if plan is not None else None


def first(endings: Iterable[Ending | None]) -> Ending | None:
    """The one that ends first: a field stands once in an answer, also in that to a batch."""
    return min((one for one in endings if one is not None), key=lambda one: one.sunset, default=None)


def _successor(estate: Estate, operation: ApiOperation, plan: Deprecation) -> str | None:
    """The path of the operation of the same name in the successor."""
    for other in estate.apis.values():
        same = other.api.partition(".")[0] == operation.api.partition(".")[0] and other.short == operation.short
        later = _major(other.version) == _major(plan.successor) if plan.successor[0].isdigit() else False
        if same and later and other.method == operation.method and "{" not in other.path:
            return other.path
    return None


def _major(version: str) -> str:
    return version.partition(".")[0]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
