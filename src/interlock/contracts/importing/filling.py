"""What a contract here needs and other documents rarely say: filled in where the user has decided it, else named.

Nothing is guessed: without an answer the contract stays as the source has it, and `interlock check` asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from interlock.contracts import pointer
from interlock.contracts.api_lint import lint_api
from interlock.contracts.document_schema import DocumentSchema, SchemaInvalid, bounded
from interlock.contracts.event_contract import EXTENSION
from interlock.contracts.event_lint import lint_event
from interlock.contracts.importing.api_import import ImportedApi
from interlock.contracts.importing.event_import import ImportedEvent
from interlock.contracts.importing.note import Notes
from interlock.contracts.json_schema.generate import instances
from interlock.contracts.mock.sample import NoSample, sample
from interlock.contracts.rule import BY_ID
from interlock.contracts.schema_lint import Objection
from interlock.model.classification import KEYWORD

_COMBINING = frozenset({"allOf", "anyOf", "oneOf", "$ref", "if", "dependentSchemas"})
_SHOWN, _TRIES = 3, 5
# Rule → the option of `interlock import` that answers it for all contracts at once.
_OPTIONS = {
    "FIELD_UNCLASSIFIED": "--classify internal (or public, financial, pii, secret)",
    "CONTENT_MODEL_OPEN": "--close",
    "PARTITION_KEY_MISSING": "--partition-key /field",
    "EXAMPLE_MISSING": "--examples",
    "EVENT_NAMED_AS_COMMAND": "--rename NAME=NameOfTheFact",
}


@dataclass(frozen=True, slots=True)
class Filling:
    """classify: class of each field that has none. close: refuse undeclared fields. partition_keys: JSON Pointers, of
    which each event takes the first that it can. examples: generate one for an event without."""

    classify: str | None = None
    close: bool = False
    partition_keys: tuple[str, ...] = ()
    examples: bool = False


def fill_event(event: ImportedEvent, filling: Filling, notes: Notes) -> None:
    """In place, and a note for each kind of thing that was filled in, or is still missing."""
    schema = event.schema
    _fill_root(event, notes)

    def lint() -> Iterator[Objection]:
        return lint_event(event.name.partition(".")[2], str(event.version), schema)

    _fill(schema, lint, filling, event.source, notes)
    for key in filling.partition_keys:
        schema[EXTENSION]["partition_key"] = key
        if not any(one.code == "PARTITION_KEY_MISSING" for one in lint()):
            break
        del schema[EXTENSION]["partition_key"]
    if filling.examples and not schema.get("examples"):
        _fill_example(event, notes)
    _name_missing(event.name, event.source, lint(), notes)


def fill_api(api: ImportedApi, filling: Filling, notes: Notes) -> None:
    """In place, as for an event."""

    def lint() -> Iterator[Objection]:
        return lint_api(api.name, str(api.version), api.document)

    _fill(api.document, lint, filling, "/paths", notes)
    _name_missing(f"apis/{api.name}", "/paths", lint(), notes)


def _fill_root(event: ImportedEvent, notes: Notes) -> None:
    if "type" not in event.schema and ("properties" in event.schema or _COMBINING & event.schema.keys()):
        event.schema["type"] = "object"
        notes.add(
            event.source, "changed", f'{event.name} says "type": "object" now.',
            "The data of an event is an object; the source would also take a text or a number.", "Nothing to do.",
        )  # fmt: skip


def _fill(document: Any, lint: Callable[[], Iterator[Objection]], filling: Filling, source: str, notes: Notes) -> None:
    classified = closed = left = 0
    shared = _parts_of_others(document) if filling.close else frozenset()
    for one in list(lint()) if filling.classify or filling.close else ():
        place = pointer.find(document, pointer.split(one.pointer))
        if not isinstance(place, dict):
            continue
        if one.code == "FIELD_UNCLASSIFIED" and filling.classify and KEYWORD not in place:
            place[KEYWORD] = filling.classify
            classified += 1
        elif one.code == "CONTENT_MODEL_OPEN" and filling.close and (one.pointer in shared or not _may_close(place)):
            left += 1
        elif one.code == "CONTENT_MODEL_OPEN" and filling.close:
            place.pop("additionalProperties", None)
            place["unevaluatedProperties" if _COMBINING & place.keys() else "additionalProperties"] = False
            closed += 1
    if classified:
        notes.add(
            source, "changed", f"Fields classified as {filling.classify}: {classified}.",
            "The source does not say who may see them; --classify did.", "Look for personal and financial ones.",
        )  # fmt: skip
    if left:
        _note_left(source, left, notes)
    if closed:
        notes.add(
            source, "changed", f"Objects closed, so that undeclared fields are refused: {closed}.",
            "The source takes them; --close does not.",
            "Declare the fields that producers send beside the declared ones.",
        )  # fmt: skip


def _note_left(source: str, left: int, notes: Notes) -> None:
    notes.add(
        source, "missing", f"Objects that stay open in spite of --close: {left}.",
        "They are parts of others (allOf), or declare further fields by a schema: closed, they would say other things.",
        "Write their fields out where they are used, or set CONTENT_MODEL_OPEN aside in waivers.toml.",
    )  # fmt: skip


def _may_close(schema: dict[str, Any]) -> bool:
    """A schema for the undeclared fields is a declaration: to drop it would change what is meant."""
    return schema.get("additionalProperties", True) in (True, {})


def _parts_of_others(document: Any) -> frozenset[str]:
    """Pointers of schemas that only add to another one: closed, they would refuse what the other declares."""
    found: set[str] = set()
    stack: list[tuple[Any, str]] = [(document, "")]
    while stack:
        value, where = stack.pop()
        if isinstance(value, list):
            stack.extend((part, f"{where}/{at}") for at, part in enumerate(value))
        elif isinstance(value, dict):
            words = ("allOf", "anyOf", "oneOf") if "properties" in value or "allOf" in value else ("allOf",)
            for word in words:
                for at, part in enumerate(value[word] if isinstance(value.get(word), list) else ()):
                    found.add(f"{where}/{word}/{at}")
                    if isinstance(part, dict) and isinstance(part.get("$ref"), str):
                        found.add(part["$ref"].removeprefix("#"))
            stack.extend((part, where + pointer.join([name])) for name, part in value.items())
    return frozenset(found)


def _fill_example(event: ImportedEvent, notes: Notes) -> None:
    """The first plausible or generated document that the contract takes; none where nothing is found."""
    try:
        compiled = DocumentSchema(event.schema)
    except SchemaInvalid:
        return  # the lint says why
    for example in _examples(event.schema):
        if compiled.is_valid(example):
            event.schema["examples"] = [example]
            notes.add(
                event.source, "changed", f"An example of {event.name} was generated.",
                "The source has none; --examples asked for one.",
                "Put a real one in its place: it is the shortest documentation.",
            )  # fmt: skip
            return


def _examples(schema: dict[str, Any]) -> Iterator[Any]:
    with suppress(NoSample):
        yield sample(schema)
    exact = bounded(schema)
    yield from instances(exact, exact, limit=_TRIES)


def _name_missing(name: str, source: str, objections: Iterable[Objection], notes: Notes) -> None:
    """Errors only: of what would merely be better, `interlock lint` speaks."""
    by_code: dict[str, list[Objection]] = {}
    for one in objections:
        if BY_ID[one.code].severity == "error":
            by_code.setdefault(one.code, []).append(one)
    for code, found in by_code.items():
        places = "1 place" if len(found) == 1 else f"{len(found)} places"
        some = ", ".join(one.pointer or "/" for one in found[:_SHOWN]) + (", …" if len(found) > _SHOWN else "")
        option = _OPTIONS.get(code)
        step = BY_ID[code].fix + (f" For all at once: import again with {option}." if option else "")
        notes.add(source, "missing", f"{name}: {code} at {places}: {some}", BY_ID[code].purpose, step)
