"""Events that did not come through our edge: checked before a handler sees them, as the edge would have done.

The log cannot refuse them, and the index is a function of the log alone, so they are judged where they are handled, by
the contracts of the estate that handles them. One that does not pass is a dead letter of the flow: counted in its
books, and checked again when it is redriven, after its contract was declared or mended.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from interlock.contracts.event_contract import EventContract
from interlock.contracts.strict_json import parse
from interlock.model.event import UNCHECKED, Event
from interlock.model.problems import UnknownContract


class ForeignEvents:
    """By type and version; `latest` by type alone."""

    def __init__(
        self, contracts: Mapping[tuple[str, str], EventContract], latest: Mapping[str, EventContract], json_depth: int
    ) -> None:
        self._contracts = contracts
        self._latest = latest
        self._json_depth = json_depth

    def checked(self, event: Event) -> Event:
        """The event under the version that it keeps. UnknownContract, ContractViolation, or what `parse` raises.

        Types that only the engine makes, as replies and ticks, have no contract, so nobody else can make them.
        """
        assert event.version == UNCHECKED
        contract = self._contract(event)
        contract.check(parse(event.body, self._json_depth))
        return event._replace(version=contract.version)

    def _contract(self, event: Event) -> EventContract:
        latest = self._latest.get(event.type)
        if latest is None:
            raise UnknownContract("The event came past the edge, and the estate declares no event of its type.")
        attributes = orjson.loads(event.attributes) if event.attributes else {}
        schema = attributes.get("dataschema")
        if schema is None:
            return latest
        place, _, version = str(schema).rpartition("/")
        contract = self._contracts.get((event.type, version))
        if contract is None or (place and not f"/{place}".endswith("/" + event.type)):
            raise UnknownContract(
                f"The event came past the edge, and its dataschema names no version of {event.type}.",
                next_step="Its producer sends the version, a URI ending in /<type>/<version>, or nothing.",
            )
        return contract
