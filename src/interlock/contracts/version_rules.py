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


_NEXT = "contracts/events/orders/order_placed/{}.json"
_OPTIONAL = '{"properties": {"gift_note": {"type": "string", "x-classification": "internal"}}}'
_REQUIRED = """{"required": ["order_id", "customer_id", "placed_at", "currency", "total", "lines", "channel"],
 "properties": {"channel": {"type": "string", "x-classification": "internal"}}}"""
_PLAN = """
[[deprecation]]
contract = "orders.OrderPlaced"
major = 1
deprecated = {deprecated}
sunset = {sunset}
successor = "none"
{contact}reason = "Nobody places orders this way any more."
"""


def _plan(sunset: str = "2099-06-01", deprecated: str = "2026-01-01", contact: str = "team-orders") -> str:
    named = f'contact = "{contact}"\n' if contact else ""
    return _PLAN.format(deprecated=deprecated, sunset=sunset, contact=named)


def _two_paths(second: str) -> str:
    operation = '{{"get": {{"operationId": "{}", "responses": {{"200": {{"description": "It."}}}}}}}}'
    paths = f'"/imports/{{number}}": {operation.format("readImport")}, "{second}": {operation.format("readRows")}'
    return (
        '={"openapi": "3.1.0", "info": {"title": "Shop", "version": "1.0.0"}, '
        f'"x-interlock": {{"owner": "team-orders"}}, "paths": {{{paths}}}}}'
    )


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
    Rule(
        "VERSION_UNDERSTATED",
        "Readers decide by the number whether they have to look; the diff says what it must be.",
        "Give the version the number that the diff asks for.",
        _NEXT.format("1.0.1"),
        _OPTIONAL,
        '{"description": "A customer has placed an order, by whatever channel."}',
    ),
    Rule(
        "BREAKING_NEEDS_MAJOR",
        "A breaking change under the same major breaks whoever trusts the number; so does one that nobody can decide.",
        "Make it a new major version with a deprecation plan (interlock new version CONTRACT --major).",
        _NEXT.format("1.1.0"),
        _REQUIRED,
        _OPTIONAL,
    ),
    Rule(
        "VERSION_ADVICE",
        "The change is compatible, but somebody should have looked at it.",
        "Look at it; when it is meant, say so in waivers.toml.",
        _NEXT.format("1.1.0"),
        '{"properties": {"note": {"x-classification": "public"}}}',
        _OPTIONAL,
        severity="warning",
    ),
    Rule(
        "VERSION_INCOMPARABLE",
        "A version that cannot be compared with the one before it may break anybody.",
        "Correct what the message names, in this version or the one before it.",
        _NEXT.format("1.1.0"),
        '{"properties": {"note": {"$ref": "#/$defs/missing"}}}',
        _OPTIONAL,
        waivable=False,
    ),
    Rule(
        "REPLAYABLE_BROKEN",
        "What is stored can be replayed or redriven at any time, so the newest version has to read it.",
        "Take the change back, make it a new major version, or redrive and discard first what carries the old version.",
        _NEXT.format("1.1.0"),
        _REQUIRED,
        _OPTIONAL,
        carried="orders.OrderPlaced 1.0.0",
    ),
    Rule(
        "REPLAYABLE_UNKNOWN",
        "What is stored under a version that nobody knows any more cannot be judged before it is replayed.",
        "Bring the file of that version back from the history of the estate.",
        _NEXT.format("1.5.0"),
        "-",
        _OPTIONAL,
        severity="warning",
        carried="orders.OrderPlaced 1.5.0",
    ),
    Rule(
        "COMPATIBILITY_NONE",
        "Under NONE any change passes: readers are promised nothing, and somebody has to answer for that.",
        "Choose BACKWARD, FORWARD or FULL, or waive this rule with reason, owner and end.",
        _OPEN,
        '{"x-interlock": {"compatibility": "NONE"}}',
        '{"x-interlock": {"compatibility": "FULL"}}',
    ),
    Rule(
        "COMPATIBILITY_UNKNOWN",
        "A misspelt mode would silently be the default.",
        "Write one of the seven modes.",
        _OPEN,
        '{"x-interlock": {"compatibility": "BACKWARDS"}}',
        '{"x-interlock": {"compatibility": "BACKWARD_TRANSITIVE"}}',
        waivable=False,
    ),
    Rule(
        "DEPRECATION_MISSING",
        "Beside a new major the old one lives on, until somebody has said when it ends and whom to ask.",
        "Add a [[deprecation]] of it to deprecations.toml; interlock new version CONTRACT --major writes one.",
        _NEXT.format("2.0.0"),
        _REQUIRED,
        "-",
    ),
    Rule(
        "DEPRECATION_INCOMPLETE",
        "Readers of an old version need its dates, its successor, somebody to ask, and time.",
        "Complete it: contract, major, deprecated, sunset, successor, contact and reason.",
        "deprecations.toml",
        _plan(contact=""),
        _plan(),
    ),
    Rule(
        "SUNSET_SHORTENED",
        "Readers have planned with the date that they were given.",
        "Put the old date back, or have those who read it agree and waive this rule.",
        "deprecations.toml",
        _plan(sunset="2099-05-31"),
        _plan(sunset="2099-06-02"),
        before=_plan(),
    ),
    Rule(
        "SUNSET_PASSED",
        "A sunset that passes without anything happening teaches readers to ignore the next one.",
        "Remove the files of this major, or agree on a later sunset with its readers.",
        "deprecations.toml",
        _plan(sunset="2026-11-01"),
        _plan(),
        severity="warning",
    ),
    Rule(
        "API_PATHS_COLLIDE",
        "The majors of an API are served side by side; of two operations at one place one would never answer.",
        "Give the later one a path of its own, such as /v2/…; templates that differ in names only are one path.",
        "contracts/apis/shop/1.0.0.json",
        _two_paths("/imports/{id}"),
        _two_paths("/imports/{id}/rows"),
        waivable=False,
    ),
)
