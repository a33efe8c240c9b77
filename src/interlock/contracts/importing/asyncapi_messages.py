"""The messages of an AsyncAPI document of version 2 or 3, each once, with every channel that carries it.

Version 2 says `publish` for what applications send to the described one, `subscribe` for what it sends (2.6.0, 'Channel
Item Object'); version 3 says `receive` and `send` in operations of their own (3.0.0, 'Operation Object').
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock.contracts import pointer
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.local_reference import ReferenceInvalid, followed, target

_ACTIONS = {"publish": "receive", "subscribe": "send"}


@dataclass(slots=True)
class Message:
    """`place` is its definition. `traffic` has a line for each channel: address, and action where one is stated."""

    place: str
    key: str
    content: dict[str, Any]
    traffic: list[dict[str, str]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What the document calls it: name, else id, else the key under which it stands, else its title."""
        for word in ("name", "messageId"):
            if isinstance(self.content.get(word), str) and self.content[word]:
                return str(self.content[word])
        return self.key or str(self.content.get("title") or "")


def messages(document: Mapping[str, Any]) -> list[Message]:
    """Raises ContractInvalid where the document has not the shape of AsyncAPI."""
    version = str(document.get("asyncapi", ""))
    if not version.startswith(("2.", "3.")):
        raise ContractInvalid("/asyncapi", f"AsyncAPI {version or '(none)'} is not read; 2.x and 3.x are.")
    found = _Found(document, int(version[0]))
    try:
        found.read()
    except ReferenceInvalid as error:
        raise ContractInvalid("/channels", error.detail) from None
    except (AttributeError, TypeError) as error:
        raise ContractInvalid("/channels", f"The document has not the shape of AsyncAPI: {error}.") from None
    return list(found.by_place.values())


class _Found:
    def __init__(self, document: Mapping[str, Any], major: int) -> None:
        self._document = document
        self._major = major
        self.by_place: dict[str, Message] = {}

    def read(self) -> None:
        for name, channel in (self._document.get("channels") or {}).items():
            where, channel = self._follow(channel, f"/channels{pointer.join([name])}")
            if self._major == 2:
                self._channel_2(str(name), channel, where)
            else:
                self._channel_3(str(name), channel, where)
        for name, message in ((self._document.get("components") or {}).get("messages") or {}).items():
            self._add(message, f"/components/messages{pointer.join([name])}", str(name), None)

    def _channel_2(self, address: str, channel: Mapping[str, Any], where: str) -> None:
        for word, action in _ACTIONS.items():
            operation = channel.get(word)
            if not isinstance(operation, Mapping):
                continue
            at, message = self._follow(operation.get("message"), f"{where}/{word}/message")
            several = message.get("oneOf") if isinstance(message, Mapping) else None
            key = str(operation.get("operationId") or "")
            if isinstance(several, list):
                for number, one in enumerate(several):
                    self._add(one, f"{at}/oneOf/{number}", key, {"channel": address, "action": action})
            elif message is not None:
                self._add(operation["message"], f"{where}/{word}/message", key, {"channel": address, "action": action})

    def _channel_3(self, name: str, channel: Mapping[str, Any], where: str) -> None:
        address = channel.get("address")
        actions = sorted(self._actions(name)) or [""]
        for key, message in (channel.get("messages") or {}).items():
            for action in actions:
                line = {"channel": str(address or name)} | ({"action": action} if action else {})
                self._add(message, f"{where}/messages{pointer.join([key])}", str(key), line)

    def _actions(self, channel: str) -> set[str]:
        found = set()
        for operation in (self._document.get("operations") or {}).values():
            _, operation = self._follow(operation, "")
            reference = (operation.get("channel") or {}).get("$ref", "")
            if (
                reference.startswith("#")
                and target(self._document, reference)[0] == f"/channels{pointer.join([channel])}"
            ):
                found.add(str(operation.get("action", "")))
        return found - {""}

    def _add(self, message: Any, place: str, key: str, traffic: dict[str, str] | None) -> None:
        referenced = isinstance(message, Mapping) and isinstance(message.get("$ref"), str)
        place, content = self._follow(message, place)
        if not isinstance(content, Mapping):
            raise ContractInvalid(place, "A message is an object.")
        if referenced and place.startswith(("/components/messages/", "/channels/")):
            key = place.rpartition("/")[2].replace("~1", "/").replace("~0", "~")
        found = self.by_place.setdefault(place, Message(place, key, self._merged(content)))
        if traffic is not None and traffic not in found.traffic:
            found.traffic.append(traffic)

    def _merged(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """With its traits: a later one wins, in version 2 over the message too, in version 3 never."""
        own = {name: value for name, value in content.items() if name != "traits"}
        traits = [self._follow(trait, "")[1] for trait in content.get("traits") or ()]
        order = [own, *traits] if self._major == 2 else [*traits, own]
        made: Any = {}
        for one in order:
            made = _patched(made, one)
        return made if isinstance(made, dict) else {}

    def _follow(self, value: Any, place: str) -> tuple[str, Any]:
        if isinstance(value, dict) and isinstance(value.get("$ref"), str):
            return followed(self._document, value, place)
        return place, value


def _patched(value: Any, patch: Any) -> Any:
    """RFC 7396, section 2."""
    if not isinstance(patch, Mapping):
        return patch
    made = dict(value) if isinstance(value, Mapping) else {}
    for name, member in patch.items():
        if member is None:
            made.pop(name, None)
        else:
            made[name] = _patched(made.get(name), member) if isinstance(member, Mapping) else member
    return made


def unused(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(pointer, what) of the parts of a document that a contract has no place for."""
    words = {
        "/servers": "servers: where and how to connect", "/components/securitySchemes": "security schemes",
        "/components/operationTraits": "traits of operations",
    }  # fmt: skip
    for place, what in words.items():
        if pointer.find(document, pointer.split(place)) is not pointer.ABSENT:
            yield place, what
    for name, channel in (document.get("channels") or {}).items():
        for word in ("parameters", "bindings", "servers"):
            if isinstance(channel, Mapping) and channel.get(word):
                yield f"/channels{pointer.join([name])}/{word}", f"{word} of the channel {name}"
    for name, operation in (document.get("operations") or {}).items():
        for word in ("reply", "bindings", "security"):
            if isinstance(operation, Mapping) and operation.get(word):
                yield f"/operations{pointer.join([name])}/{word}", f"{word} of the operation {name}"
