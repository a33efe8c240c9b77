"""The rules of `interlock check` about waivers, versions and deprecations."""

from __future__ import annotations

from interlock.contracts.check_rule import Rule

WAIVERS = "waivers.toml"
_WAIVER = """
[[waiver]]
rule = "{rule}"
place = "{place}"
reason = "The old shop still sends it; ORD-77."
owner = "{owner}"
expires = {expires}
"""
_OPEN = "contracts/events/orders/order_placed/1.0.0.json"


def _waiver(rule: str, place: str = _OPEN, owner: str = "team-orders", expires: str = "2099-01-31") -> str:
    return _WAIVER.format(rule=rule, place=place, owner=owner, expires=expires)


VERSION_RULES: tuple[Rule, ...] = (
    Rule(
        "WAIVER_INVALID",
        "A waiver without reason, owner and end hides a mistake for ever.",
        "Give rule, place, reason, an owner of owners.toml, and expires; or remove the waiver.",
        WAIVERS,
        _waiver("CONTENT_MODEL_OPEN", owner="team-ghost"),
        "-",
        waivable=False,
    ),
    Rule(
        "WAIVER_EXPIRED",
        "A waiver holds for a time; when that is over, the finding counts again.",
        "Correct what it waived and remove it, or have its owner agree on a new end.",
        WAIVERS,
        _waiver("CONTENT_MODEL_OPEN", expires="2026-01-31"),
        "-",
        waivable=False,
    ),
    Rule(
        "WAIVER_UNUSED",
        "A waiver that covers nothing would one day cover what nobody has looked at.",
        "Remove it, or correct its rule and place.",
        WAIVERS,
        _waiver("CONTENT_MODEL_OPEN"),
        "-",
        severity="warning",
        waivable=False,
    ),
)
