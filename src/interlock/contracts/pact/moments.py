"""Patterns of dates and times as Pact files write them (Java's SimpleDateFormat), as regular expressions."""

from __future__ import annotations

import re

DEFAULTS = {"date": "yyyy-MM-dd", "time": "HH:mm:ss", "datetime": "yyyy-MM-dd'T'HH:mm:ss"}
_LETTERS = {
    "y": r"\d{{{n}}}", "u": r"\d{{{n}}}", "d": r"(0[1-9]|[12]\d|3[01])", "H": r"([01]\d|2[0-3])",
    "k": r"(0[1-9]|1\d|2[0-4])", "h": r"(0[1-9]|1[0-2])", "K": r"(0\d|1[01])", "m": r"[0-5]\d", "s": r"([0-5]\d|60)",
    "S": r"\d{{{n}}}", "n": r"\d{{1,9}}", "a": r"([AaPp][Mm])", "D": r"\d{{1,3}}", "w": r"\d{{1,2}}",
    "Z": r"[+-]\d{{2}}:?\d{{2}}", "z": r"[A-Za-z]+([+-]\d{{1,2}}(:\d{{2}})?)?", "V": r"[A-Za-z/_+-]+",
    "X": r"(Z|[+-]\d{{2}}(:?\d{{2}})?)", "x": r"[+-]\d{{2}}(:?\d{{2}})?", "G": r"(AD|BC)", "e": r"[1-7]",
}  # fmt: skip
_NAMES = r"[A-Za-z]+"
_RUN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+")


def pattern(form: str) -> str:
    """Anchored. ValueError for a letter that is not known."""
    parts = []
    for run in _RUN.finditer(form):
        letter, length = run[2], len(run[0])
        if run[1] is not None:
            parts.append(re.escape(run[1].replace("''", "'") or "'"))
        elif letter is None:
            parts.append(re.escape(run[0]))
        elif letter == "M" or letter == "L":
            parts.append(r"(0[1-9]|1[0-2])" if length <= 2 else _NAMES)
        elif letter == "E":
            parts.append(_NAMES)
        elif letter in _LETTERS:
            parts.append(_LETTERS[letter].format(n=length if letter != "y" or length != 1 else 4))
        else:
            raise ValueError(f"no letter of a date pattern: {letter}")
    return f"^{''.join(parts)}$"
