"""How an export stands, and how long it lasts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

PAUSE = timedelta(hours=1)
"""Between one export and the next."""
TRIES_MAX = 5
"""An export that was cut short is begun anew; after so many tries it has failed."""


class ExportState(StrEnum):
    """An export is asked for, gathered by a worker, and ready until it expires; then it is deleted."""

    ASKED = "asked"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Export:
    """One export. `progress` says in which file and at which record a worker is."""

    id: UUID
    user_id: int
    state: ExportState
    asked_at: datetime
    tries: int
    progress: str | None
    error_code: str | None
    ready_at: datetime | None
    expires_at: datetime | None
    size_bytes: int | None

    def is_shown(self, now: datetime) -> bool:
        """Whether it can be fetched."""
        return self.state is ExportState.READY and self.expires_at is not None and now < self.expires_at
