"""What a change was and is, and a document that shows its harm, in a sentence each."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from interlock.contracts.comparison import ChangeFinding

_CHARACTERS = 300
_VALUE_CHARACTERS = 100
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


def values_text(finding: ChangeFinding) -> str:
    """was 40, is 20. A whole schema that came or went is cut: it is seen in the file."""
    pairs = (("was", finding.old), ("is", finding.new))
    said = [f"{verb} {shortened(value, _VALUE_CHARACTERS)}" for verb, value in pairs if value is not msgspec.UNSET]
    return ", ".join(said)


def shortened(value: Any, characters: int = _CHARACTERS) -> str:
    """As JSON on one line, at most so many characters of it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= characters else text[:characters] + " …"
