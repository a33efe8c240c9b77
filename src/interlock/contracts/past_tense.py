"""An event is a fact: its name ends in a participle. A name in the imperative asks, and asking is a call."""

from __future__ import annotations

import re

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*|[a-z0-9]+")
# Participles that do not end in -ed.
_IRREGULAR = """
Begun Born Bought Bound Broken Brought Built Burnt Caught Chosen Come Cut Dealt Done Drawn Driven Fallen Fed Felt
Forgotten Fought Found Frozen Given Gone Grown Heard Held Hidden Hit Hurt Kept Known Laid Learnt Led Left Lent Let
Lost Made Met Overdrawn Overridden Overtaken Overwritten Paid Prepaid Put Quit Read Rebuilt Redrawn Repaid Reset
Resent Rewritten Risen Run Said Seen Sent Set Shown Shut Sold Sought Spent Split Spread Stolen Struck Sunk Swept
Taken Taught Thrown Told Torn Undone Understood Unpaid Upheld Withdrawn Withheld Won Worn Written
"""
IRREGULAR = frozenset(_IRREGULAR.split())
# Words that end in -ed and are no participles.
_NOT_PARTICIPLES = """
Bed Bleed Breed Embed Exceed Feed Heed Need Proceed Red Reed Seed Shed Speed Succeed Weed
"""
NOT_PARTICIPLES = frozenset(_NOT_PARTICIPLES.split())
_IMPERATIVES = """
Accept Activate Add Allocate Apply Approve Archive Assign Authorise Authorize Book Calculate Cancel Capture Change
Charge Check Close Complete Confirm Create Deactivate Debit Decline Delete Deliver Disable Dispatch Do Enable
Export Fetch Fulfil Fulfill Generate Get Hold Import Invoice Issue Make Mark Move Notify Open Pay Pick Place Post
Process Publish Purchase Receive Refund Register Reject Release Remove Request Reserve Retry Return Run Schedule
Send Set Ship Start Stop Store Submit Subscribe Sync Take Transfer Trigger Update Validate Verify Withdraw Write
"""
IMPERATIVES = frozenset(_IMPERATIVES.split())


def words(name: str) -> list[str]:
    """OrderPlaced -> Order, Placed."""
    return _WORD.findall(name)


def is_participle(word: str) -> bool:
    return word in IRREGULAR or (word.endswith("ed") and len(word) > 3 and word not in NOT_PARTICIPLES)


def objection(name: str) -> str | None:
    """Why this is no name for a fact; None when it is one."""
    parts = words(name)
    if not parts:
        return f"{name} has no words."
    if is_participle(parts[-1]) and (len(parts) == 1 or not _commands(parts)):
        return None
    if _commands(parts) or parts[-1] in IMPERATIVES:
        return f"{name} is a command: it asks for something. An event says what has happened."
    return f"{name} does not say what has happened: {parts[-1]} is no participle."


def _commands(parts: list[str]) -> bool:
    """SendInvoiceCreated commands; OrderPlaced and HoldReleased, where the first word is a noun too, do not."""
    return parts[0] in IMPERATIVES and not is_participle(parts[-1])
