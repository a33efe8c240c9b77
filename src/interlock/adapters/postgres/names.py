"""Short numbers for words that recur in every row: flow, handler, version and table names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from interlock.adapters.postgres import sql
from interlock.adapters.postgres.columns import Texts
from interlock.adapters.postgres.connection import Connection, Row, fetch


class UnknownWord(Exception):
    """The word has no number yet: learn it, then stage again."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Numbers(dict[str, int]):
    """Word -> number. Raises UnknownWord for others: a look at a known one costs no call, and each row has several."""

    def __missing__(self, text: str) -> int:
        raise UnknownWord(text)


class Names:
    """Grows only with the estate, never with the data. A word is stored before the first row that uses its number."""

    def __init__(self) -> None:
        self.ids = Numbers()

    def find(self, text: str) -> int:
        """0, which no row has, for an unknown word."""
        return self.ids.get(text, 0)

    async def seek(self, text: str, ask: Callable[[str], Awaitable[Sequence[Row]]]) -> int:
        """As `find`, of words that other processes have stored meanwhile too."""
        if text not in self.ids:
            self.ids.update(await ask(sql.NAMES))
        return self.find(text)

    async def learn(self, connection: Connection, *words: str) -> None:
        """Give the words numbers, whoever else does the same now; read all that others have stored."""
        if words:
            await connection.execute(sql.NAME_NEW.encode(), (Texts(words),))
        self.ids = Numbers(await fetch(connection, sql.NAMES))
