"""An actual value against what a consumer expects: by the matchers where there are any, else by equality.

Objects may hold more than was expected in answers and messages, not in requests (Pact: strict in what is sent, lenient
in what is read). A matcher that is not known is never passed over: it raises Unverifiable.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from interlock.contracts import pointer
from interlock.contracts.document_schema import DocumentSchema, SchemaInvalid
from interlock.contracts.pact.moments import DEFAULTS, pattern
from interlock.contracts.pact.rules import RuleList, Rules, Step, kind_of, read_rules

_SEMVER = r"^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$"
_CLASSES = {
    "info": range(100, 200), "success": range(200, 300), "redirect": range(300, 400), "clientError": range(400, 500),
    "serverError": range(500, 600), "nonError": range(100, 400), "error": range(400, 600),
}  # fmt: skip

Mismatch = dict[str, str]
Matcher = Mapping[str, Any]


class Unverifiable(Exception):
    """The file asks for something that this verifier does not know; the text says what."""


def mismatches(expected: Any, actual: Any, rules: Rules, *, lenient: bool = True) -> list[Mismatch]:
    """Every wrong place, with a pointer. Raises Unverifiable."""
    return _compare(expected, actual, rules, (), lenient)


def status_mismatches(expected: int, actual: int, rules: Rules) -> list[Mismatch]:
    found = rules.at(())
    for matcher in found.matchers if found else ():
        wanted = matcher.get("status")
        if kind_of(matcher) == "statusCode":
            fits = actual in wanted if isinstance(wanted, list) else actual in _CLASSES.get(str(wanted), ())
            return [] if fits else [_wrong((), f"the status is {actual}, expected is {wanted}")]
    return [] if expected == actual else [_wrong((), f"the status is {actual}, expected is {expected}")]


def text_mismatches(expected: str, actual: str, rules: RuleList | None) -> list[Mismatch]:
    """A header, a path or a value of the query: texts, whose matchers see numbers as text too."""
    if rules is None:
        return [] if expected == actual else [_wrong((), f"is {actual}, expected is {expected}")]
    plain = [kind_of(one) for one in rules.matchers]
    return _by_rules(expected, _read(actual) if set(plain) & _READ else actual, rules, ())


def _read(text: str) -> Any:
    """What a text would be as JSON: a number or a boolean."""
    if text in ("true", "false"):
        return text == "true"
    if re.fullmatch(r"-?\d{1,40}", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?\d{1,40}\.\d{1,40}([eE][+-]?\d{1,3})?", text) else text


def _compare(expected: Any, actual: Any, rules: Rules, place: tuple[Step, ...], lenient: bool) -> list[Mismatch]:
    found = rules.at(place)
    structural = [one for one in found.matchers if kind_of(one) in _STRUCTURES] if found else []
    if isinstance(expected, dict) and isinstance(actual, dict):
        return _objects(expected, actual, rules, place, lenient, structural)
    if isinstance(expected, list) and isinstance(actual, list):
        return _lists(expected, actual, rules, place, lenient, found, structural)
    if found is not None:
        return _by_rules(expected, actual, found, place)
    if isinstance(expected, dict | list) or not _equal(expected, actual):
        return [_wrong(place, f"is {_shown(actual)}, expected is {_shown(expected)}")]
    return []


def _objects(
    expected: dict[str, Any], actual: dict[str, Any], rules: Rules, place: tuple[Step, ...], lenient: bool,
    structural: list[Matcher],
) -> list[Mismatch]:  # fmt: skip
    wrong: list[Mismatch] = []
    if structural:
        sample = next(iter(expected.values()), None)
        for name, value in actual.items():
            for matcher in structural:
                wrong += _entry(matcher, name, value, (*place, name))
            beneath = expected.get(name, sample)
            if not any(kind_of(one) == "eachValue" for one in structural) and beneath is not None:
                wrong += _compare(beneath, value, rules, (*place, name), lenient)
        return wrong
    for name, value in expected.items():
        if name in actual:
            wrong += _compare(value, actual[name], rules, (*place, name), lenient)
        else:
            wrong.append(_wrong((*place, name), "is expected and missing"))
    if not lenient:
        wrong += [_wrong((*place, name), "is not expected") for name in actual if name not in expected]
    return wrong


def _entry(matcher: Matcher, name: str, value: Any, place: tuple[Step, ...]) -> list[Mismatch]:
    rules = RuleList(tuple(matcher.get("rules") or ({"match": "type"},)))
    match kind_of(matcher):
        case "eachKey":
            return _by_rules(matcher.get("value", ""), name, rules, place)
        case "eachValue":
            found = _compare(matcher.get("value"), value, Rules((((), rules),)), (), True)
            return [{**one, "pointer": pointer.join(place) + one["pointer"]} for one in found]
    return []  # `values`: any keys


def _lists(
    expected: list[Any], actual: list[Any], rules: Rules, place: tuple[Step, ...], lenient: bool,
    found: RuleList | None, structural: list[Matcher],
) -> list[Mismatch]:  # fmt: skip
    for matcher in structural:
        if kind_of(matcher) == "arrayContains":
            return _contains(matcher, expected, actual, place)
        if kind_of(matcher) == "eachValue":
            return [one for at, value in enumerate(actual) for one in _entry(matcher, "", value, (*place, at))]
    if found is None or not any(kind_of(one) in ("type", "notEmpty") for one in found.matchers):
        if found is not None and found.matchers and not found.cascaded:
            return _by_rules(expected, actual, found, place)
        if len(expected) != len(actual):
            return [_wrong(place, f"has {len(actual)} entries, expected are {len(expected)}")]
    wrong = [] if found is None or found.cascaded else _lengths(found, actual, place)
    for at, value in enumerate(actual):
        if expected:
            sample = expected[at] if at < len(expected) else expected[0]
            wrong += _compare(sample, value, rules, (*place, at), lenient)
    return wrong


def _lengths(rules: RuleList, actual: list[Any], place: tuple[Step, ...]) -> list[Mismatch]:
    for matcher in rules.matchers:
        least, most = matcher.get("min"), matcher.get("max")
        if least is not None and len(actual) < int(least):
            return [_wrong(place, f"has {len(actual)} entries, expected are at least {least}")]
        if most is not None and len(actual) > int(most):
            return [_wrong(place, f"has {len(actual)} entries, expected are at most {most}")]
        if kind_of(matcher) == "notEmpty" and not actual:
            return [_wrong(place, "is empty")]
    return []


def _contains(matcher: Matcher, expected: list[Any], actual: list[Any], place: tuple[Step, ...]) -> list[Mismatch]:
    """Each variant must fit some entry."""
    wrong = []
    for variant in matcher.get("variants") or ():
        at = int(variant.get("index", 0))
        if at >= len(expected):
            raise Unverifiable(f"arrayContains names the entry {at}, which the example has not")
        rules = read_rules({"body": variant.get("rules") or {}}, "body")
        if not any(not mismatches(expected[at], one, rules) for one in actual):
            wrong.append(_wrong(place, f"has no entry like {_shown(expected[at])}"))
    return wrong


def _by_rules(expected: Any, actual: Any, rules: RuleList, place: tuple[Step, ...]) -> list[Mismatch]:
    found = [_one(matcher, expected, actual, place) for matcher in rules.matchers]
    if rules.combine == "OR":
        return [] if any(not one for one in found) else found[0]
    return [one for each in found for one in each]


def _one(matcher: Matcher, expected: Any, actual: Any, place: tuple[Step, ...]) -> list[Mismatch]:
    kind = kind_of(matcher)
    check = _MATCHERS.get(kind)
    if check is None:
        raise Unverifiable(f"the matcher {kind} is not known")
    if check(matcher, expected, actual):
        return []
    said = next((str(matcher[name]) for name in ("regex", "format", "value") if name in matcher), "")
    return [_wrong(place, f"is {_shown(actual)}, expected is {kind}{' ' + said if said else ''}")]


def _type(matcher: Matcher, expected: Any, actual: Any) -> bool:
    return _kind(expected) == _kind(actual)


def _is_number(actual: Any) -> bool:
    return isinstance(actual, int | float) and not isinstance(actual, bool)


def _moment(matcher: Matcher, expected: Any, actual: Any) -> bool:
    kind = kind_of(matcher)
    form = matcher.get("format") or matcher.get(kind) or matcher.get("timestamp") or DEFAULTS[kind]
    try:
        return isinstance(actual, str) and _compiled(pattern(str(form))).is_valid(actual)
    except ValueError as error:
        raise Unverifiable(str(error)) from None


def _regex(matcher: Matcher, expected: Any, actual: Any) -> bool:
    if isinstance(actual, bool | dict | list) or actual is None:
        return False
    return _compiled(str(matcher.get("regex"))).is_valid(str(actual))


@lru_cache(maxsize=256)
def _compiled(expression: str) -> DocumentSchema:
    """Linear-time expressions: a file from outside must not be able to hang the verifier."""
    try:
        return DocumentSchema({"type": "string", "pattern": expression})
    except SchemaInvalid:
        raise Unverifiable(f"the regular expression {expression} is not supported") from None


def _content_type(matcher: Matcher, expected: Any, actual: Any) -> bool:
    raise Unverifiable("the matcher contentType judges bytes, which are not read here")


# Matchers that see the value of a text rather than the text.
_READ = frozenset({"integer", "decimal", "number", "boolean"})
_STRUCTURES = frozenset({"values", "eachKey", "eachValue", "arrayContains"})
_MATCHERS: dict[str, Callable[[Matcher, Any, Any], bool]] = {
    "type": _type,
    "regex": _regex,
    "equality": lambda matcher, expected, actual: _equal(expected, actual),
    "include": lambda matcher, expected, actual: str(matcher.get("value", expected)) in str(actual),
    "integer": lambda matcher, expected, actual: _is_number(actual) and isinstance(actual, int),
    "decimal": lambda matcher, expected, actual: isinstance(actual, float),
    "number": lambda matcher, expected, actual: _is_number(actual),
    "boolean": lambda matcher, expected, actual: isinstance(actual, bool),
    "null": lambda matcher, expected, actual: actual is None,
    "nullValue": lambda matcher, expected, actual: actual is None,
    "date": _moment,
    "time": _moment,
    "datetime": _moment,
    "semver": lambda matcher, expected, actual: isinstance(actual, str) and _compiled(_SEMVER).is_valid(actual),
    "notEmpty": lambda matcher, expected, actual: actual not in (None, "", [], {}),
    "contentType": _content_type,
}


def _kind(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return type(value).__name__
    return "number" if isinstance(value, int | float) else type(value).__name__


def _equal(expected: Any, actual: Any) -> bool:
    """JSON has no True that equals 1."""
    return bool(expected == actual) and _kind(expected) == _kind(actual)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"


def _wrong(place: tuple[Step, ...], detail: str) -> Mismatch:
    return {"pointer": pointer.join(place), "detail": detail}
