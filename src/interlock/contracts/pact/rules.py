"""Matching rules of a Pact file: which one holds for a place (Pact specification 2 to 4, 'Matching rules')."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_STEP = re.compile(r"\.([A-Za-z_][\w\-:@]*|\*)|\[(\d+|\*)\]|\['([^']*)'\]|\[\"([^\"]*)\"\]")

Tokens = tuple[str, ...]
Step = str | int


@dataclass(frozen=True, slots=True)
class RuleList:
    """Matchers that hold together (AND) or one of which must hold (OR). `cascaded`: they stand at a parent."""

    matchers: tuple[Mapping[str, Any], ...]
    combine: str = "AND"
    cascaded: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one part (body, headers, query), by path; names in `named` are whole keys, not paths."""

    paths: tuple[tuple[Tokens, RuleList], ...] = ()

    def at(self, place: Sequence[Step]) -> RuleList | None:
        """The most specific one that stands here or above; exact names weigh more than wildcards, long more than short.

        The rules for keys and values of a parent do not reach down.
        """
        best: tuple[int, int] = (0, 0)
        found: RuleList | None = None
        for tokens, rules in self.paths:
            weight = _weight(tokens, place)
            if weight and (weight, len(tokens)) > best:
                best = weight, len(tokens)
                found = RuleList(rules.matchers, rules.combine, len(tokens) < len(place))
        if found is not None and found.cascaded:
            reaching = tuple(one for one in found.matchers if kind_of(one) not in _STAYING)
            return RuleList(reaching, found.combine, True) if reaching else None
        return found


_STAYING = frozenset({"values", "eachKey", "eachValue", "arrayContains"})


def kind_of(matcher: Mapping[str, Any]) -> str:
    """The matcher's name; version 2 leaves it out where `regex`, `min` or `max` says it."""
    stated = matcher.get("match")
    if isinstance(stated, str):
        return "datetime" if stated == "timestamp" else stated
    return "regex" if "regex" in matcher else "type"


def path_tokens(path: str) -> Tokens:
    """`$.a[*]['b c']` as ("a", "*", "b c"). ValueError when it is none."""
    if not path.startswith("$"):
        raise ValueError(f"no path: {path}")
    tokens, at = [], 1
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            raise ValueError(f"no path: {path}")
        tokens.append(next(group for group in match.groups() if group is not None))
        at = match.end()
    return tuple(tokens)


def read_rules(raw: Any, part: str) -> Rules:
    """Of one part: body, header, query, path, status, metadata, contents. Raises ValueError."""
    if not isinstance(raw, Mapping):
        return Rules()
    if any(str(name).startswith("$") for name in raw):
        return _version_2(raw, part)
    found = raw.get(part) or raw.get({"header": "headers"}.get(part, part)) or {}
    if isinstance(found.get("matchers"), list):  # path and status have no names below them
        return Rules((((), _list(found)),))
    read = []
    for name, one in found.items():
        tokens = (
            path_tokens(name) if name.startswith("$") else (name.lower() if part in ("header", "metadata") else name,)
        )
        read.append((tokens, _list(one)))
    return Rules(tuple(read))


def _version_2(raw: Mapping[str, Any], part: str) -> Rules:
    wanted = {"header": ("headers", "header")}.get(part, (part,))
    read = []
    for name, matcher in raw.items():
        tokens = path_tokens(name)
        if tokens and tokens[0] in wanted:
            rest = tuple(token.lower() for token in tokens[1:]) if part == "header" else tokens[1:]
            read.append((rest, RuleList((matcher,))))
    return Rules(tuple(read))


def _list(raw: Mapping[str, Any]) -> RuleList:
    matchers = raw.get("matchers")
    if not isinstance(matchers, list):
        raise ValueError("a rule without matchers")
    return RuleList(tuple(matchers), str(raw.get("combine", "AND")).upper())


def _weight(tokens: Tokens, place: Sequence[Step]) -> int:
    """0 when the path does not lead here."""
    if len(tokens) > len(place):
        return 0
    weight = 2
    for token, step in zip(tokens, place, strict=False):
        if token == "*":  # noqa: S105 - a wildcard
            continue
        if token != str(step):
            return 0
        weight *= 2
    return weight
