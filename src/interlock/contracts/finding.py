"""One mistake of an estate, said once: where, what, why, and the next step."""

from __future__ import annotations

from typing import Literal

import msgspec

Severity = Literal["error", "warning"]


class Finding(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """`file` is relative to the estate, `line` counts from 1; `pointer` is the JSON Pointer in it, if there is one."""

    file: str
    line: int
    code: str
    severity: Severity
    detail: str
    next_step: str
    pointer: str = ""
