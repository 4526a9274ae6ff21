"""Notes which members of staff were turned away from what, within bounds: nobody fills the audit by asking often."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final

from casino_club.infra.audit.deeds import note_refused
from casino_club.infra.db.database import Database
from casino_club.kernel.errors import Refused
from casino_club.kernel.subject import UserSubject

SILENT_SECONDS: Final = 600.0
"""The same member is noted once per route and process in so long."""
REMEMBERED_MAX: Final = 10_000


class Witness:
    """Sees refusals of staff."""

    def __init__(self, database: Database, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._monotonic = monotonic
        self._seen: dict[tuple[int, str], float] = {}

    async def turned_away(self, subject: UserSubject, verb: str, refusal: Refused) -> None:
        """Note it in a transaction of its own, unless it was noted just now."""
        if self._was_seen((subject.user_id, verb)):
            return
        noting = partial(note_refused, by=subject, verb=verb, refused_as=refusal.code, now=datetime.now(UTC))
        await self._database.run(noting)

    def _was_seen(self, what: tuple[int, str]) -> bool:
        now = self._monotonic()
        seen_at = self._seen.pop(what, None)
        if seen_at is not None and now - seen_at < SILENT_SECONDS:
            self._seen[what] = seen_at
            return True
        if len(self._seen) >= REMEMBERED_MAX:
            del self._seen[next(iter(self._seen))]
        self._seen[what] = now
        return False
