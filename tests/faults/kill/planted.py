"""`interlock` with a planted bug, and commits so slow that kills fall into them: a test of the test.

python planted.py <bug> up <estate>
"""

from __future__ import annotations

import sys
import time
from queue import SimpleQueue

from interlock.adapters.sqlite import committer, sql
from interlock.adapters.sqlite.batch import Batch
from interlock.adapters.sqlite.committer import Committer
from interlock.adapters.sqlite.work import AppendWork
from interlock.cli.main import main

WINDOW_SECONDS = 0.05


class SlowCommits(SimpleQueue[bool]):
    """Each COMMIT is taken up late. No bug, only a wider window for the kill."""

    def get(self, block: bool = True, timeout: float | None = None) -> bool:
        found = super().get(block, timeout)
        time.sleep(WINDOW_SECONDS)
        return found


def answer_before_commit() -> None:
    """Producers are told "accepted" when their events are staged, before COMMIT."""
    pump, finish = Committer._pump, AppendWork.finish
    told: set[int] = set()

    def eager(self: Committer) -> None:
        pump(self)
        for work in self._running:
            if isinstance(work, AppendWork):
                told.add(id(work))
                finish(work, None)

    def once(self: AppendWork, problem: object) -> None:
        if id(self) in told:
            told.discard(id(self))
        else:
            finish(self, problem)  # type: ignore[arg-type]

    Committer._pump = eager  # type: ignore[method-assign]
    AppendWork.finish = once  # type: ignore[method-assign]


def mark_outside_the_commit() -> None:
    """Effects first, the handling marks in a second transaction."""
    flush = Batch.flush

    def split(self: Batch) -> None:
        marks, self._handled = self._handled, []
        flush(self)
        self._connection.execute("COMMIT")
        if marks:
            time.sleep(WINDOW_SECONDS)
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany(sql.HANDLE, marks)

    Batch.flush = split  # type: ignore[method-assign]


def answer_outside_the_commit() -> None:
    """The answer of a keyed request is stored after the effects of the request."""
    flush = Batch.flush

    def split(self: Batch) -> None:
        answers = [entry for entry in self._cold if entry[0] == sql.ANSWER_NEW]
        self._cold = [entry for entry in self._cold if entry[0] != sql.ANSWER_NEW]
        flush(self)
        if answers:
            self._connection.execute("COMMIT")
            time.sleep(WINDOW_SECONDS)
            self._connection.execute("BEGIN IMMEDIATE")
        for statement, row in answers:
            self._connection.execute(statement, row)

    Batch.flush = split  # type: ignore[method-assign]


BUGS = {
    "none": lambda: None,
    "answer-before-commit": answer_before_commit,
    "mark-outside-the-commit": mark_outside_the_commit,
    "answer-outside-the-commit": answer_outside_the_commit,
}

if __name__ == "__main__":
    vars(committer)["SimpleQueue"] = SlowCommits
    BUGS[sys.argv[1]]()
    sys.exit(main(sys.argv[2:]))
