"""Messages that no flow can be given: counted, told in the log of the process, and left in the stream."""

from __future__ import annotations

import logging
from collections import Counter, OrderedDict

REMEMBERED = 1024
LOGGED = 100  # lines a process; the counter goes on

logger = logging.getLogger("interlock.jetstream")


class Quarantine:
    """`counts` by reason, each message once. `newest` maps positions to reasons, the latest `REMEMBERED` of them."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.newest: OrderedDict[int, str] = OrderedDict()
        self._logged = 0

    def passed_over(self, position: int, reason: str) -> None:
        if position in self.newest:
            return
        self.counts[reason] += 1
        self.newest[position] = reason
        if len(self.newest) > REMEMBERED:
            self.newest.popitem(last=False)
        if self._logged < LOGGED:
            self._logged += 1
            logger.warning("log.quarantined", extra={"position": position, "reason": reason})
