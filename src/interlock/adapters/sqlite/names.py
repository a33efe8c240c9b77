"""Short numbers for words that recur in every row: flow, handler, version and table names."""

from __future__ import annotations

import apsw

from interlock.adapters.sqlite import sql


class Names:
    """Grows only with the estate, never with the data. A word is stored by the commit that first uses it."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._ids: dict[str, int] = {text: number for number, text in connection.execute(sql.NAMES)}
        self.fresh: list[tuple[int, str]] = []

    def id(self, text: str) -> int:
        number = self._ids.get(text)
        if number is None:
            number = self._ids[text] = len(self._ids) + 1
            self.fresh.append((number, text))
        return number

    def find(self, text: str) -> int:
        """0, which no row has, for an unknown word."""
        return self._ids.get(text, 0)

    def stored(self) -> None:
        """The commit that carried the fresh words succeeded."""
        self.fresh.clear()
