"""How fast one may play. A round lasts a while, and no other of the user's begins before it is over."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from casino_club.features.games.rules.refusals import RoundTooSoon


@dataclass(frozen=True, slots=True)
class Pace:
    """How long rounds last at least."""

    slot: timedelta
    other: timedelta

    def of(self, game: str) -> timedelta:
        return self.slot if game == "slot" else self.other


def check_pace(next_play_at: datetime | None, now: datetime) -> None:
    """Raises `RoundTooSoon` while a round goes on."""
    if next_play_at is not None and now < next_play_at:
        raise RoundTooSoon((next_play_at - now).total_seconds())
