"""What a command found, in the format that was asked for."""

from __future__ import annotations

from typing import Any

import msgspec

from interlock import __version__
from interlock.contracts.report.entry import Report


def rendered(report: Report, wanted: str, at: str, seconds: float) -> str:
    """`wanted` is markdown, junit or sarif. A renderer is loaded when it is asked for."""
    if wanted == "sarif":
        from interlock.contracts.report.sarif import sarif

        return as_json(sarif(report, __version__))
    if wanted == "junit":
        from interlock.contracts.report.junit import junit

        return junit(report, at, seconds)
    from interlock.contracts.report.markdown import markdown

    return markdown(report)


def as_json(document: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()
