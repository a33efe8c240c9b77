"""Names and literals of generated Python: valid, unshadowed, as formatters write them."""

from __future__ import annotations

import builtins
import json
import keyword
import re

INDENT = "    "
# The width that formatters and linters assume when a project says nothing else.
WIDTH = 88
# Names that annotations of the same class use: a field called so would shadow them.
_IMPORTED = {"datetime", "decimal", "msgspec", "Any", "ClassVar", "Literal", "Mapping", "Sequence"}
TAKEN = frozenset(keyword.kwlist) | frozenset(dir(builtins)) | _IMPORTED


def is_field_name(name: str) -> bool:
    """Whether a class can have a field that is called so in JSON: msgspec takes no quote, backslash or control."""
    return not any(letter in '"\\' or letter < " " for letter in name)


def identifier(name: str) -> str:
    python = "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in name)
    if not python or python[0].isdigit() or python[0] == "_":
        python = "field_" + python.lstrip("_")
    return python + "_" if python in TAKEN else python


def snake(name: str) -> str:
    """placeOrder → place_order."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return identifier(re.sub(r"_+", "_", re.sub(r"[^A-Za-z0-9]+", "_", words)).strip("_").lower() or "call")


def pascal(text: str) -> str:
    words = "".join(letter if letter.isalnum() and letter.isascii() else " " for letter in text).split()
    name = "".join(word[0].upper() + word[1:] for word in words) or "Part"
    return f"Part{name}" if name[0].isdigit() else name


def singular(name: str) -> str:
    if name.endswith("ies") and len(name) > 4:
        return name[:-3] + "y"
    if name.endswith(("ses", "xes")):
        return name[:-2]
    return name[:-1] if name.endswith("s") and not name.endswith("ss") else name


def sentence(text: object) -> str:
    flat = " ".join(str(text).split())
    return flat + "." if flat and flat[-1] not in ".!?" else flat


def harmless(text: str) -> str:
    """On one line, and nothing of it ends a docstring or is an escape in it."""
    return " ".join(text.split()).replace("\\", "\\\\").replace('"', "'")


def docstring(text: str) -> str:
    return f'"""{harmless(text)}"""'


def quoted(text: str) -> str:
    """As formatters write it: double quotes."""
    return json.dumps(text, ensure_ascii=False) if "'" in text or '"' not in text else repr(text)
