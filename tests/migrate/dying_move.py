"""`interlock migrate` that is killed at one of its last steps: python -m migrate.dying_move MOMENT migrate …"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from interlock.adapters.postgres.archive import PostgresArchive, PostgresRestoration
from interlock.adapters.sqlite.archive import SqliteArchive, SqliteRestoration
from interlock.cli.main import main

# Whose call, and whether it dies before or after what it does.
MOMENTS = {
    "before anything is told": ("leave", "before"),
    "when the source knows": ("leave", "after"),
    "when the target is there": ("commit", "after"),
}


def deadly(owner: Any, name: str, when: str) -> None:
    acts = getattr(owner, name)

    async def dies(self: Any, *words: Any, **options: Any) -> None:
        if when == "after":
            await acts(self, *words, **options)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, dies)


if __name__ == "__main__":
    name, when = MOMENTS[sys.argv.pop(1)]
    for owner in (SqliteArchive, PostgresArchive) if name == "leave" else (SqliteRestoration, PostgresRestoration):
        deadly(owner, name, when)
    sys.exit(main())
