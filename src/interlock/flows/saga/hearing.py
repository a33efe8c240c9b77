"""What news of a run come to in its journal."""

from __future__ import annotations

import msgspec

from interlock.flows.saga.ledger import Ledger
from interlock.flows.saga.records import Entry
from interlock.flows.saga.values import TIMED_OUT
from interlock.model.saga import EntryState
from interlock.sdk.news import News
from interlock.sdk.reply import Reply

REFUSED = "refused"


async def hear(ledger: Ledger, news: News) -> None:
    """Take them in. What is there already was heard before an engine died: the run goes on all the same."""
    if news.kind in ("go_on", "pause", "resume"):
        return
    if news.kind == "cancel" or news.number < 0:
        _end(ledger, news)
        return
    entry = ledger.journal.number(news.number)
    if entry is not None and entry.state is EntryState.OPEN:
        ledger.journal.change(await _settled(ledger, news, entry))


async def _settled(ledger: Ledger, news: News, entry: Entry) -> Entry:
    match news.kind:
        case "answer":
            fine = not news.reason and msgspec.json.decode(news.data, type=Reply).ok
            error = None if fine else news.reason or REFUSED
            state = EntryState.DONE if fine else EntryState.FAILED
            return ledger.settled(entry, state, result=news.data, error=error)
        case "event":
            if entry.delivery is not None and entry.due_us is not None:
                ledger.call_off(entry.delivery, entry.name, entry.due_us)
            return ledger.settled(entry, EntryState.DONE, result=news.data)
        case _ if entry.kind == "wait":
            await ledger.post.leave(entry, ledger.run)
            return ledger.settled(entry, EntryState.FAILED, error=TIMED_OUT)
        case _:
            return ledger.settled(entry, EntryState.DONE)


def _end(ledger: Ledger, news: News) -> None:
    """Cancelled, or its deadline passed; the first of these counts."""
    if ledger.journal.end is None:
        kind = "cancel" if news.kind == "cancel" else "deadline"
        entry = ledger.entry(kind, kind, "", "")  # type: ignore[arg-type]
        ledger.journal.change(ledger.settled(entry, EntryState.DONE, error=news.reason or None))
