"""Strict JSON: I-JSON (RFC 7493) as far as parsers disagree, at the price of one decode and one encode.

The trick: fast decoders keep the last of two equal names silently, but then re-encoding what they decoded yields fewer
strings. Counting string delimiters on both sides, both at the speed of C, finds every duplicate name at any depth and
in any spelling; nothing else changes the count.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec
import orjson

from interlock.contracts import pointer
from interlock.model.problems import CallerProblem, HostileJson, MalformedRequest

_decode = msgspec.json.Decoder().decode
_encode = orjson.dumps
_OPENERS_CLOSERS = bytes.maketrans(b"{}[]", b"()()")
_NOT_STRUCTURE = bytes(code for code in range(256) if code not in b'{}[]"')


def parse(raw: bytes, depth: int) -> Any:
    """The JSON value in `raw`, whose arrays and objects nest at most `depth` levels.

    Raises MalformedRequest for bytes that no parser takes, HostileJson for those that parsers disagree about:
    duplicate names, NaN and Infinity, lone surrogates, broken UTF-8, a byte order mark, integers beyond 64 bits,
    floats beyond double range, and nesting beyond `depth`. Integers between 2^53 and 2^64 pass here exactly; contracts
    bound them.
    """
    try:
        value = _decode(raw)
        again = _encode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError, TypeError) as error:
        raise _undecodable(raw, error) from None
    if again != raw and _delimiters(again) != _delimiters(raw):
        raise _duplicate(raw)
    if raw.count(b"{") + raw.count(b"[") > depth and nesting(raw) > depth:
        raise HostileJson(f"The JSON nests deeper than {depth} levels.")
    return value


def nesting(raw: bytes) -> int:
    """How deep arrays and objects nest in valid JSON. Each pass over the bare brackets takes the leaves away."""
    if b"\\" in raw:
        raw = _without_escapes(raw)
    brackets = raw.translate(_OPENERS_CLOSERS, _NOT_STRUCTURE)
    if b'"' in brackets:
        brackets = b"".join(brackets.split(b'"')[::2])
    levels = 0
    while brackets:
        brackets = brackets.replace(b"()", b"")
        levels += 1
    return levels


def _delimiters(text: bytes) -> int:
    if b"\\" in text:
        text = _without_escapes(text)
    return text.count(b'"')


def _without_escapes(text: bytes) -> bytes:
    """Every quote that is left delimits a string. Pairs of backslashes go first: they escape nothing after them."""
    return text.replace(b"\\\\", b"").replace(b'\\"', b"")


def _duplicate(raw: bytes) -> HostileJson:
    """Cold: find which name it was, exactly."""
    found: list[str] = []

    def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
        seen: dict[str, Any] = {}
        for name, value in members:
            if name in seen:
                found.append(name)
            seen[name] = value
        return seen

    json.loads(raw, object_pairs_hook=pairs)
    names = sorted({name[:64] for name in found})[:10]
    return HostileJson(
        "An object has a name twice: " + ", ".join(names) + ".",
        errors=[{"pointer": pointer.join([name]), "detail": "appears more than once in its object"} for name in names],
    )


def _undecodable(raw: bytes, error: Exception) -> CallerProblem:
    """Cold: hostile when another parser would have taken it, or when only size or encoding is wrong."""
    if isinstance(error, RecursionError) or "recursion" in str(error).lower():
        return HostileJson("The JSON nests too deep.")
    if isinstance(error, UnicodeDecodeError):
        return HostileJson("The bytes are not UTF-8.")
    if "out of range" in str(error) or "64-bit" in str(error):
        return HostileJson("A number is beyond the range of 64-bit integers and doubles.")
    if _lenient_parsers_take(raw):
        return HostileJson(f"Only lenient parsers take this: {error}.")
    return MalformedRequest(f"The body is no JSON: {error}.", next_step="Send one JSON value in UTF-8.")


def _lenient_parsers_take(raw: bytes) -> bool:
    try:
        json.loads(raw)
    except (ValueError, RecursionError):
        return False
    return True
