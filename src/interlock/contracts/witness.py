"""A document that shows the harm of a change, in a sentence."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from interlock.contracts.comparison import ChangeFinding

_CHARACTERS = 300
_LEADS = {
    "backward": "{new} refuses a document of {old}: ",
    "forward": "A reader of {old} fails on: ",
    "request": "{new} refuses what a caller of {old} sends: ",
    "response": "A caller of {old} fails on the answer: ",
}


def witness_text(finding: ChangeFinding, old: str, new: str) -> str:
    """Nothing without a witness. `old` and `new` are what people call the two contracts."""
    lead = _LEADS.get(finding.direction)
    if lead is None or finding.witness is msgspec.UNSET:
        return ""
    return lead.format(old=old, new=new) + shortened(finding.witness)


def shortened(value: Any) -> str:
    """As JSON on one line, at most 300 characters of it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= _CHARACTERS else text[:_CHARACTERS] + " …"
