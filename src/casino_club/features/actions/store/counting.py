"""What was settled, counted in the transactions that settled it."""

from datetime import datetime

import msgspec

from casino_club.infra.db.database import Db
from casino_club.kernel.clock import MINUTE_US, from_us


class IntakeCounts(msgspec.Struct, frozen=True, gc=False):
    """What one transaction settles, for the minute of its instant.

    What senders sent was `received`; it was accepted, a duplicate or refused. The platform's `own` was not sent.
    """

    now_us: int
    received: int = 0
    accepted: int = 0
    duplicate: int = 0
    refused: int = 0
    own: int = 0

    @property
    def columns(self) -> tuple[datetime, int, int, int, int, int]:
        """As a row of `intake_counts`."""
        minute = from_us(self.now_us - self.now_us % MINUTE_US)
        return minute, self.received, self.accepted, self.duplicate, self.refused, self.own


async def count(db: Db, counts: IntakeCounts) -> None:
    """Count what this transaction settles. Each adds a row of its own, so that none waits for another."""
    await db.execute(
        """INSERT INTO intake_counts (minute, received, accepted, duplicate, refused, own)
           VALUES ($1, $2, $3, $4, $5, $6)""",
        *counts.columns,
    )
