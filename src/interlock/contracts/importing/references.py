"""Refuses references that leave a document, or lead nowhere in it, before anything is made of it."""

from __future__ import annotations

from typing import Any

from interlock.contracts import pointer
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.local_reference import ReferenceInvalid, target

_DATA = frozenset({"example", "examples", "default", "enum", "const"})


def check_references(document: Any) -> None:
    """Raises ContractInvalid at the first; only pointers into the document itself are followed, nothing is fetched."""
    stack: list[tuple[Any, tuple[str | int, ...]]] = [(document, ())]
    while stack:
        value, place = stack.pop()
        if isinstance(value, list):
            stack.extend((part, (*place, at)) for at, part in enumerate(value))
        elif isinstance(value, dict):
            reference = value.get("$ref")
            if isinstance(reference, str):
                _check(document, reference, place)
            in_properties = bool(place) and place[-1] == "properties"
            stack.extend(
                (part, (*place, name))
                for name, part in value.items()
                if isinstance(part, (dict, list)) and (in_properties or name not in _DATA)
            )


def _check(document: Any, reference: str, place: tuple[str | int, ...]) -> None:
    where = pointer.join([*place, "$ref"])
    if not reference.startswith("#"):
        raise ContractInvalid(
            where,
            f"{reference} leaves the document, and nothing is fetched. First make one file of it, such as with: "
            "npx @redocly/cli bundle FILE",
        )
    if reference != "#" and not reference.startswith("#/"):
        return  # an anchor: a matter of schemas
    try:
        target(document, reference)
    except ReferenceInvalid as error:
        raise ContractInvalid(where, error.detail) from None
