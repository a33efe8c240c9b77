"""One event of somebody's as an event contract of an estate."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from interlock.contracts.event_contract import EXTENSION
from interlock.contracts.importing.note import Notes
from interlock.contracts.past_tense import words
from interlock.contracts.semver import SemanticVersion

_DOMAIN = re.compile(r"[a-z][a-z0-9_]*")


class ImportedEvent(NamedTuple):
    """`event` is the name in snake case, as the path has it; `source` is where it came from."""

    domain: str
    event: str
    version: SemanticVersion
    schema: dict[str, Any]
    source: str

    @property
    def name(self) -> str:
        return f"{self.domain}.{''.join(word.capitalize() for word in self.event.split('_'))}"


def event_schema(
    schema: dict[str, Any], title: str, description: str, owner: str, kept: dict[str, Any]
) -> dict[str, Any]:
    """In the order in which people read: what it is, who answers for it, what it holds. `kept` are extensions."""
    head = {"$schema": schema["$schema"], "title": title, "description": description or schema.get("description", "")}
    rest = {name: value for name, value in schema.items() if name not in head}
    stated = rest.pop(EXTENSION, None)
    extension = {**stated, "owner": owner} if isinstance(stated, dict) else {"owner": owner}
    return {**{name: value for name, value in head.items() if value}, EXTENSION: extension, **rest, **kept}


def domain_of(text: str) -> str:
    """Streetlights Kafka API → streetlights_kafka_api."""
    made = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return made if _DOMAIN.fullmatch(made) else f"d_{made}".rstrip("_")


def event_of(text: str) -> str:
    """lightMeasured, light-measured and LightMeasured are light_measured; empty where there is no word."""
    parts = [word.lower() for word in words(re.sub(r"[^A-Za-z0-9]+", " ", text))]
    return "_".join(parts).lstrip("0123456789_")


def renamed(name: str, renames: dict[str, str]) -> str:
    """As the user wants it; nothing is renamed unasked."""
    return renames.get(name, name)


def note_name(said: str, event: ImportedEvent, notes: Notes) -> None:
    """Where the contract's name is not the source's: spelled otherwise, or renamed as asked."""
    if said == event.name.partition(".")[2]:
        return
    asked = event_of(said) != event.event
    notes.add(
        event.source, "changed", f"{said} is the event {event.name}.",
        "--rename asked for it." if asked else "Its path and class need one spelling.",
        "Tell those who know it by the old name." if asked else "Choose another with --rename NAME=NewName.",
    )  # fmt: skip
