"""What a caller asks of a mock in `Prefer` (RFC 7240), in `X-Mock-Latency`, or in the query as `__code`, `__example`.

    Prefer: code=503              that status
    Prefer: example=empty         that named example
    Prefer: dynamic=true          generated data rather than examples
    Prefer: wait=2                hold the answer back for two seconds
    X-Mock-Latency: 250           the same in milliseconds

RFC 7240 means `wait` as the longest time to wait for work; a mock that has no work waits that long.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from interlock.contracts.mock.exchange import MockRequest

MAX_WAIT_SECONDS = 60.0
_PREFERENCE = re.compile(r'\s*([\w.-]+)\s*(?:=\s*(?:"([^"]*)"|([^\s,;"]*)))?\s*')


class Preference(NamedTuple):
    """`faults` names what could not be read, which is told to the caller rather than ignored."""

    code: int | None = None
    example: str | None = None
    dynamic: bool = False
    wait_seconds: float = 0.0
    faults: tuple[str, ...] = ()


def preference(request: MockRequest, default_wait_seconds: float = 0.0) -> Preference:
    """All wishes of a request; the header wins over the query."""
    words = {name[2:]: text for name, text in request.pairs if name in ("__code", "__example", "__dynamic")}
    words.update(_words(request.headers.get("prefer", "")))
    faults = []
    code = words.get("code")
    if code is not None and not re.fullmatch(r"[2-5]\d\d", code):
        faults.append(f"code={code} is no status from 200 to 599")
        code = None
    wait = default_wait_seconds
    milliseconds = request.headers.get("x-mock-latency")
    for text, unit in ((words.get("wait"), 1.0), (milliseconds, 0.001)):
        if text is None:
            continue
        if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text):
            wait = float(text) * unit
        else:
            faults.append(f"{text} is no time to wait")
    return Preference(
        code=int(code) if code else None,
        example=words.get("example"),
        dynamic=words.get("dynamic", "false").lower() in ("true", "1", ""),
        wait_seconds=min(wait, MAX_WAIT_SECONDS),
        faults=tuple(faults),
    )


def _words(header: str) -> dict[str, str]:
    """The first of equal names counts (RFC 7240 section 2)."""
    found: dict[str, str] = {}
    for entry in re.split(r'[,;](?=(?:[^"]*"[^"]*")*[^"]*$)', header):
        match = _PREFERENCE.fullmatch(entry)
        if match:
            found.setdefault(match[1].lower(), match[2] if match[2] is not None else match[3] or "")
    return found
