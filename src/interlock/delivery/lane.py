"""The pending deliveries of one operation, as far as they are kept in memory.

The invariant: a lane holds every pending row of its operation up to `horizon`, and none beyond, as far as they belong
to this process's partitions; what other processes place there, `Lookout` finds. So memory is
bounded, the rest stays in the store, and a system that is down cannot crowd out the others. Whoever is low on rows is
filled by a scan of the store that moves the horizon on.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable

from interlock.model.record import DeliveryRow

Key = tuple[int, str]
START: Key = (-1, "")
END: Key = (1 << 63, "")
_KEEP = 0.75  # share of the limits that survives a cut, so that cuts are rare
_REFILL = 0.25


def key_of(row: DeliveryRow) -> Key:
    return row.due_us, row.id


class Lane:
    """Single-threaded. `slots` is how many calls may be out at once."""

    __slots__ = (
        "_bytes",
        "_heap",
        "_known",
        "_late",
        "_limit_bytes",
        "_limit_rows",
        "_touched",
        "active",
        "horizon",
        "looking",
        "name",
        "scanning",
        "slots",
    )

    def __init__(self, name: str, slots: int, limit_rows: int, limit_bytes: int) -> None:
        self.name = name
        self.slots = slots
        self.active = 0
        self.horizon = START
        self.scanning = False
        self.looking = False
        self._limit_rows = limit_rows
        self._limit_bytes = limit_bytes
        self._heap: list[tuple[int, str, DeliveryRow]] = []
        self._known: set[str] = set()  # waiting here, or out
        self._bytes = 0
        self._late: list[DeliveryRow] = []  # came beyond the horizon while a scan was moving it
        self._touched: set[str] = set()  # changed since the scan asked for its page, which may show them as they were

    def __len__(self) -> int:
        return len(self._heap)

    @property
    def due_us(self) -> int | None:
        return self._heap[0][0] if self._heap else None

    @property
    def wants_rows(self) -> bool:
        return self.horizon < END and not self.scanning and not self._holds(_REFILL)

    def offer(self, row: DeliveryRow) -> bool:
        """Take a pending row that was just committed, unless it lies beyond the horizon; whether it was taken."""
        if row.id in self._known:
            return False
        if key_of(row) <= self.horizon:
            self._admit(row)
            return True
        if self.scanning:
            self._late.append(row)
            if len(self._late) > self._limit_rows:
                self.end_scan()
        return False

    def offer_seen(self, row: DeliveryRow) -> bool:
        """As `offer`, for a row that was read from the store since `begin_look`."""
        return row.id not in self._touched and self.offer(row)

    def begin_look(self) -> None:
        self.looking = True
        self._touched.clear()

    def end_look(self) -> None:
        self.looking = False
        self._touched.clear()

    def forget(self) -> None:
        """Begin anew, with what the store has: there is more now than there was. What is out stays out."""
        self._known.difference_update(entry[1] for entry in self._heap)
        self._heap.clear()
        self._bytes = 0
        self.horizon = START
        self.end_scan()

    def drop(self, partitions: Collection[int]) -> None:
        """Forget the waiting rows of these partitions: they are somebody else's."""
        gone = [entry for entry in self._heap if entry[2].partition in partitions]
        if gone:
            self._heap = [entry for entry in self._heap if entry[2].partition not in partitions]
            heapq.heapify(self._heap)
            self._known.difference_update(entry[1] for entry in gone)
            self._bytes -= sum(_weight(entry[2]) for entry in gone)
        self._late = [row for row in self._late if row.partition not in partitions]

    def pop(self) -> DeliveryRow:
        """The earliest row; it counts as out until `finish`."""
        row = heapq.heappop(self._heap)[2]
        self._bytes -= _weight(row)
        self.active += 1
        return row

    def finish(self, delivery_id: str) -> None:
        """The row is no longer out. Offer it again if it is still pending."""
        self.active -= 1
        self._known.discard(delivery_id)
        if self.scanning or self.looking:
            self._touched.add(delivery_id)

    def begin_scan(self) -> None:
        self.scanning = True
        self._touched.clear()
        self._late.clear()

    def take_page(self, rows: Iterable[DeliveryRow], through: Key) -> None:
        """Take what the scan found beyond the horizon and up to `through`; END when there was no more.

        Ends the lane's part in the scan when it is full.
        """
        fresh = {row.id: row for row in rows if key_of(row) > self.horizon and row.id not in self._touched}
        fresh.update((row.id, row) for row in self._late if key_of(row) <= through)
        self._late = [row for row in self._late if key_of(row) > through]
        self._touched.clear()
        self.horizon = max(self.horizon, through)
        for row in fresh.values():
            if row.id not in self._known and key_of(row) <= self.horizon:  # admitting can draw the horizon in
                self._admit(row)
        if through == END or self._holds(2 * _REFILL):
            self.end_scan()

    def end_scan(self) -> None:
        self.scanning = False
        self._late.clear()
        self._touched.clear()

    def _holds(self, share: float) -> bool:
        return len(self._heap) > self._limit_rows * share or self._bytes > self._limit_bytes * share

    def _admit(self, row: DeliveryRow) -> None:
        self._known.add(row.id)
        heapq.heappush(self._heap, (row.due_us, row.id, row))
        self._bytes += _weight(row)
        if len(self._heap) > self._limit_rows or (self._bytes > self._limit_bytes and len(self._heap) > 1):
            self._cut()

    def _cut(self) -> None:
        """Forget the latest rows and draw the horizon in: the store still has them."""
        self._heap.sort()
        kept, weight = 0, 0
        for entry in self._heap:
            weight += _weight(entry[2])
            if kept >= 1 and (kept >= self._limit_rows * _KEEP or weight > self._limit_bytes * _KEEP):
                break
            kept += 1
        self._known.difference_update(entry[1] for entry in self._heap[kept:])
        del self._heap[kept:]  # sorted, so still a heap
        self._bytes = sum(_weight(entry[2]) for entry in self._heap)
        self.horizon = min(self.horizon, self._heap[-1][:2])
        self.end_scan()


def _weight(row: DeliveryRow) -> int:
    return len(row.body) if row.body else 0
