"""Sends a notice to a chat's incoming webhook."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

SECONDS = 10.0


class NoticeFailed(Exception):
    """Why it did not arrive. The address is not part of the message: it is a secret of the chat."""


class Stay(urllib.request.HTTPRedirectHandler):
    """A chat's webhook does not move; following would send the notice to whoever answers."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def send(url: str, message: dict[str, Any], seconds: float = SECONDS) -> None:
    """POST as JSON. Raises NoticeFailed unless the answer is a 2xx."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise NoticeFailed("its address is neither http nor https")
    request = urllib.request.Request(  # noqa: S310 - the scheme is checked above
        url, json.dumps(message).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.build_opener(Stay).open(request, timeout=seconds):
            return
    except urllib.error.HTTPError as error:
        raise NoticeFailed(f"the answer was {error.code}") from None
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError) as error:
        raise NoticeFailed(f"it could not be sent: {getattr(error, 'reason', type(error).__name__)}") from None
