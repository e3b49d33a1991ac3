"""Letters for which a full queue had no room: counted, and told of in the logs."""

import logging

from mainstay.base.clock import Clock
from mainstay.mail.queue.delivery import Counts
from mainstay.storage.statement import Rows

log = logging.getLogger("mainstay.mail")
# One line in so many seconds: a queue is filled by a flood, and logs are not to be flooded with it.
BETWEEN_LINES = 60.0


class Overflow:
    """Looks at what the queue's statement answered: the new letter's id, or nothing where the queue is full."""

    def __init__(self, counts: Counts, clock: Clock, most: int) -> None:
        self._counts, self._clock, self._most = counts, clock, most
        self._untold = 0
        self._told = float("-inf")

    def hear(self, rows: Rows) -> None:
        """Of one letter. A transaction that is rolled back afterwards, or run twice, has been counted all the same."""
        if not rows:
            self.drop()

    def drop(self) -> None:
        """One letter is not written."""
        self._counts.dropped += 1
        self._untold += 1
        now = self._clock.monotonic()
        if now - self._told >= BETWEEN_LINES:
            log.error(
                "the queue of letters is full (%d wait): %d not written since the last such line. `mainstay mail "
                "status` says what they wait for; MAINSTAY_MAIL__WAITING is how many may.",
                self._most,
                self._untold,
            )
            self._told, self._untold = now, 0
