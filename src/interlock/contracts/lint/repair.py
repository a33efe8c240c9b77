"""What `interlock lint --fix` can put right without changing what is valid, by rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from interlock.contracts import pointer
from interlock.contracts.document_text import DocumentText, DocumentUnreadable
from interlock.contracts.lint.edit import Edit, Editor, Insert, Remove, Replace, applied, patched
from interlock.model.classification import KEYWORD

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Asked = str | None
"""The class for fields whose name tells none, or None when the user has given none."""
# A name that tells the class of its field. A class that is too strict leaks nothing, so these need no asking.
_TELLING = (
    ("secret", re.compile(r"(?:^|_)(?:password|passwd|secret|api_key|private_key|access_token|refresh_token|pin)$")),
    (
        "pii",
        re.compile(
            r"(?:^|_)(?:e_?mail|phone|mobile|first_name|last_name|full_name|surname|birth_?date|date_of_birth|street"
            r"|postal_code|postcode|zip|ip_address|passport|ssn|national_id|tax_id)$"
        ),
    ),
    ("financial", re.compile(r"(?:^|_)(?:iban|bic|card_number|price|amount|total|balance|salary|credit_limit)$")),
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def class_of(field: str) -> str | None:
    """The class that a field's name tells, if it tells one."""
    name = _CAMEL.sub("_", field).lower().replace("-", "_")
    return next((class_ for class_, pattern in _TELLING if pattern.search(name)), None)


def _classify(document: Any, place: str, asked: Asked) -> Iterator[Edit]:
    field = pointer.find(document, pointer.split(place))
    class_ = class_of(pointer.split(place)[-1]) or asked
    if isinstance(field, dict) and KEYWORD not in field and class_:
        yield Insert(place, KEYWORD, class_)


def _dialect(document: Any, place: str, asked: Asked) -> Iterator[Edit]:
    if isinstance(document, dict) and "$schema" not in document:
        yield Insert("", "$schema", DIALECT, first=True)


def _slash(document: Any, place: str, asked: Asked) -> Iterator[Edit]:
    address = pointer.find(document, pointer.split(place))
    shorter = address.rstrip("/") if isinstance(address, str) else ""
    if shorter and not shorter.endswith(":"):
        yield Replace(place, shorter)


def _repeated(document: Any, place: str, asked: Asked) -> Iterator[Edit]:
    """The element itself; of what was found beside it the first stays."""
    element = pointer.find(document, pointer.split(place))
    if element is not pointer.ABSENT and not isinstance(element, dict | list):
        yield Remove(place)


def _required(document: Any, place: str, asked: Asked) -> Iterator[Edit]:
    parameter = pointer.find(document, pointer.split(place))
    if isinstance(parameter, dict) and "$ref" not in parameter:
        yield Replace(f"{place}/required", True) if "required" in parameter else Insert(place, "required", True)


REPAIRS: Mapping[str, Callable[[Any, str, Asked], Iterator[Edit]]] = {
    "FIELD_UNCLASSIFIED": _classify,
    "SCHEMA_DIALECT": _dialect,
    "SERVER_TRAILING_SLASH": _slash,
    "ENUM_DUPLICATED": _repeated,
    "REQUIRED_DUPLICATED": _repeated,
    "TAG_DUPLICATED": _repeated,
    "PATH_PARAMETER_OPTIONAL": _required,
}


def repaired(text: DocumentText, flaws: Sequence[tuple[str, str]], asked: Asked) -> tuple[str, int]:
    """The text with the (rule, pointer) that can be put right put right, and how many that were.

    Edits that the text does not allow without a guess are left out; and when what comes out does not say exactly what
    it should, all of them: a document is never broken.
    """
    wanted = [edit for code, place in flaws if code in REPAIRS for edit in REPAIRS[code](text.value, place, asked)]
    editor = _editor(text)
    patches = {edit: patch for edit in dict.fromkeys(wanted) if (patch := editor.patch(edit)) is not None}
    if not patches:
        return text.text, 0
    after = patched(text.text, list(patches.values()))
    try:
        says = DocumentText(after.encode()).value
    except DocumentUnreadable:
        return text.text, 0
    return (after, len(patches)) if says == applied(text.value, list(patches)) else (text.text, 0)


def _editor(text: DocumentText) -> Editor:
    if text.is_json:
        from interlock.contracts.lint.json_editor import JsonEditor

        return JsonEditor(text.text)
    from interlock.contracts.lint.yaml_editor import YamlEditor

    return YamlEditor(text.text)
