"""What an operation of an OpenAPI document says, with its references followed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from interlock.contracts.lint.scene import Scene

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
UNSAFE = frozenset({"post", "put", "patch", "delete"})


def served(scene: Scene) -> bool:
    """Whether callers call it; webhooks and callbacks go the other way."""
    return not scene.inside("webhooks", "callbacks")


def parameters(node: dict[str, Any], scene: Scene) -> Iterator[dict[str, Any]]:
    """Its own and those of its path."""
    for holder in (node, scene.owners[-2] if len(scene.owners) > 1 else {}):
        for _, parameter in scene.objects(holder.get("parameters")):
            yield parameter


def header(node: dict[str, Any], scene: Scene, name: str) -> dict[str, Any] | None:
    """A header that the request takes; names are compared without case (RFC 9110 section 5.1)."""
    for parameter in parameters(node, scene):
        if parameter.get("in") == "header" and str(parameter.get("name")).lower() == name:
            return parameter
    return None


def responses(node: dict[str, Any]) -> dict[str, Any]:
    """By status as it is written."""
    found = node.get("responses")
    return found if isinstance(found, dict) else {}


def documents(node: dict[str, Any], status: str) -> bool:
    """Whether this very status is documented; neither a range nor `default` says that it is meant."""
    return status in responses(node)


def documents_class(node: dict[str, Any], digit: str) -> bool:
    """Whether any answer of a class is documented."""
    return any(status[:1] == digit for status in responses(node))


def title(scene: Scene) -> str:
    """POST /orders; of AsyncAPI the operation's name, or the channel with publish or subscribe."""
    if scene.language == "openapi":
        return f"{scene.token().upper()} {scene.token(1)}"
    return scene.token() if scene.version == "3" else f"{scene.token()} of {scene.token(1)}"


def identity(node: dict[str, Any], scene: Scene, word: str) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Where its id stands and what it is. Traits of AsyncAPI 2 are merged over their owner, the last one wins."""
    found: tuple[tuple[str | int, ...], Any] = (word,), node.get(word)
    for index, trait in scene.objects(node.get("traits")):
        if isinstance(trait.get(word), str):
            found = ("traits", index, word), trait[word]
    if isinstance(found[1], str):
        yield found
