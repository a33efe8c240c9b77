"""Who may ask the registry for what. Until there are identities, everybody who reaches the port may."""

from __future__ import annotations

from typing import Literal, Protocol

from interlock.edge.exchange import Request
from interlock.registry.refusal import FORBIDDEN, UNAUTHENTICATED

# What an endpoint does to its subject; `global` instead of a subject where there is none.
Action = Literal["read", "write", "delete", "check", "config:read", "config:write", "mode:read", "mode:write"]
GLOBAL = "global"


class Guard(Protocol):
    """Asked once for each request, before its body is looked at."""

    def principal(self, request: Request) -> str | None:
        """Who asks, by the headers; None when that cannot be told."""
        ...

    def allows(self, principal: str, action: Action, subject: str) -> bool: ...


class Open:
    """For a port that only this machine reaches: everybody is the same and may do all."""

    def principal(self, request: Request) -> str | None:
        return "anybody"

    def allows(self, principal: str, action: Action, subject: str) -> bool:
        return True


def admit(guard: Guard, request: Request, action: Action, subject: str) -> None:
    """Raises Refusal 40101 or 40301."""
    principal = guard.principal(request)
    if principal is None:
        raise UNAUTHENTICATED("Say who you are: send the credentials that this registry asks for.")
    if not guard.allows(principal, action, subject):
        raise FORBIDDEN(f"{principal} may not do this ({action}) to {subject}.")
