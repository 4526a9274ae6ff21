"""What the commands of this slice work with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from casino_club.features.identity.public import Desk
from casino_club.features.privacy.rules.erasures import JOURNAL
from casino_club.infra.db.database import Database
from casino_club.infra.privacy.doors import Eraser, Exporter, Reach
from casino_club.infra.privacy.journal import Journal


@dataclass(frozen=True, slots=True)
class Office:
    """The same for every request and every run of a job. Erasers stand in the order in which they are asked."""

    desk: Desk
    reach: Reach
    erasers: Sequence[Eraser]
    exporters: Sequence[Exporter]
    journal: Journal
    grace: timedelta
    export_lasts: timedelta

    @property
    def database(self) -> Database:
        return self.desk.database

    @property
    def stores(self) -> tuple[str, ...]:
        """All that have to confirm before an erasure is done."""
        return (JOURNAL, *(each.name for each in self.erasers))
