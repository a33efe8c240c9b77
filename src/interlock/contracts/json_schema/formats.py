"""What is known of each `format`: which drafts assert it, what its texts look like, and examples (RFC 3339, 5321 …)."""

from __future__ import annotations

from interlock.contracts.json_schema.dialect import Dialect

_EARLY = frozenset({
    "date-time", "date", "time", "email", "idn-email", "hostname", "ipv4", "ipv6", "uri", "regex",
})  # fmt: skip
_SINCE_6 = frozenset({"uri-reference", "uri-template", "json-pointer"})
_SINCE_7 = frozenset({"idn-hostname", "iri", "iri-reference", "relative-json-pointer"})
_SINCE_2019 = frozenset({"duration", "uuid"})
# What the validator asserts. Any other format says nothing.
ASSERTED: dict[Dialect, frozenset[str]] = {
    "4": _EARLY,
    "6": _EARLY | _SINCE_6,
    "7": _EARLY | _SINCE_6 | _SINCE_7,
    "2019-09": _EARLY | _SINCE_6 | _SINCE_7 | _SINCE_2019,
    "2020-12": _EARLY | _SINCE_6 | _SINCE_7 | _SINCE_2019,
}
# Every text of the format matches this; not every text that matches is one.
LANGUAGE: dict[str, str] = {
    "date": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    "date-time": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}",
    "time": r"^[0-9]{2}:[0-9]{2}:[0-9]{2}",
    "duration": r"^P",
    "uuid": r"^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$",
    "ipv4": r"^[0-9]{1,3}(\.[0-9]{1,3}){3}$",
    "ipv6": r"^[0-9A-Fa-f:.]+$",
    "email": r"@",
    "uri": r"^[A-Za-z][A-Za-z0-9+.-]*:",
    "hostname": r"^[A-Za-z0-9]",
}
# Every text of the one is a text of these.
WITHIN: dict[str, frozenset[str]] = {
    "uri": frozenset({"uri-reference", "iri", "iri-reference"}),
    "uri-reference": frozenset({"iri-reference"}),
    "iri": frozenset({"iri-reference"}),
    "email": frozenset({"idn-email"}),
}
# At least two of each, so that one can differ from another.
EXAMPLES: dict[str, tuple[str, ...]] = {
    "date-time": ("2026-11-24T06:05:03Z", "2026-11-24T06:05:03.123+01:00"),
    "date": ("2026-11-24", "2025-01-31"),
    "time": ("06:05:03Z", "23:59:59.5+01:00"),
    "duration": ("P1D", "PT15M"),
    "email": ("ada@example.com", "grace.hopper@example.org"),
    "idn-email": ("ada@example.com", "grace.hopper@example.org"),
    "hostname": ("api.example.com", "localhost"),
    "idn-hostname": ("api.example.com", "localhost"),
    "ipv4": ("192.0.2.1", "255.255.255.255"),
    "ipv6": ("2001:db8::1", "::"),
    "uri": ("https://example.com/orders/1", "urn:example:1"),
    "uri-reference": ("/orders/1", "https://example.com/orders/1"),
    "iri": ("https://example.com/orders/1", "urn:example:1"),
    "iri-reference": ("/orders/1", "https://example.com/orders/1"),
    "uri-template": ("/orders/{id}", "/orders"),
    "uuid": ("3f2b8c1e-7d4a-4b6f-9a51-0c2d3e4f5a6b", "00000000-0000-0000-0000-000000000000"),
    "json-pointer": ("/orders/0", ""),
    "relative-json-pointer": ("0/name", "1"),
    "regex": ("^[a-z]+$", "a"),
    "decimal": ("19.99", "0"),
    "byte": ("YWRh", ""),
}
_DOMAIN = ".".join(["b" * 60] * 4)
# Where a text has to be long: what comes before and after the filling, and of what that is.
_LONG: dict[str, tuple[str, str, str]] = {
    "date-time": ("2026-11-24T06:05:03.", "0", "Z"),
    "uri": ("https://example.com/", "a", ""), "iri": ("https://example.com/", "a", ""),
    "uri-reference": ("/", "a", ""), "iri-reference": ("/", "a", ""), "uri-template": ("/", "a", ""),
    "json-pointer": ("/", "a", ""), "regex": ("", "a", ""), "ipv6": ("2001:db8:0:0:0:0:0:1", "", ""),
    "email": ("", "a", f"@{_DOMAIN}"), "idn-email": ("", "a", f"@{_DOMAIN}"), "hostname": ("", "b", f".{_DOMAIN}"),
}  # fmt: skip


def long_example(name: str, length: int) -> str | None:
    """A text of the format, at least this long; the validator has the last word."""
    if name not in _LONG or length > 100_000:
        return None
    before, filling, after = _LONG[name]
    return before + filling * max(1, length - len(before) - len(after)) + after
