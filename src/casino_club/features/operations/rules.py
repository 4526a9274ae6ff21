"""Whether a minute's actions are all accounted for, and which side says otherwise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

MINUTE = timedelta(minutes=1)
CLOSES_WITHIN = timedelta(minutes=1)
"""After its end, or after the last action that came late, a minute has so long until it must have closed."""
HISTORY_KEPT = timedelta(days=30)
RECHECKED = timedelta(days=2)
"""How far back closed minutes are counted again, every night."""
RECHECKED_AFTER = timedelta(hours=1)
RECHECKED_AT_ONCE = timedelta(hours=1)


class Side(StrEnum):
    """Where something may be missing, or too much."""

    VERDICTS = "verdicts"
    """Verdicts that doors gave, against the actions that they read."""
    STORED = "stored"
    """Rows of the log, against those that were accepted and those that the platform appended itself."""
    REFUSED = "refused"
    """Refused actions that are kept, against those that were refused."""
    KAFKA = "kafka"
    """Messages of the topic, against rows of the log."""
    WAREHOUSE = "warehouse"
    """Rows of the warehouse, against rows of the log."""


PLACES = (Side.KAFKA, Side.WAREHOUSE)
"""Where rows go from the log. They may lag behind it for a while."""


@dataclass(frozen=True, slots=True)
class Minute:
    """A minute of `appended_at` with every figure; each comes from a source of its own."""

    minute: datetime
    changed_at: datetime
    received: int = 0
    accepted: int = 0
    duplicate: int = 0
    refused: int = 0
    own: int = 0
    stored: int = 0
    stored_own: int = 0
    kept: Mapping[str, int] = field(default_factory=dict)
    first_id: int | None = None
    last_id: int | None = None
    elsewhere: Mapping[str, int] = field(default_factory=dict)
    closed_at: datetime | None = None

    @property
    def begun_at(self) -> datetime:
        """Before its first row was stored, by clocks that are right. One that a wrong clock named began lately."""
        return min(self.minute, self.changed_at - 2 * MINUTE)

    @property
    def open_since(self) -> datetime:
        """Since when it could be closed: its end, or a later change. One that a wrong clock named has no other end."""
        return max(self.changed_at, min(self.minute + MINUTE, self.changed_at + MINUTE))

    @property
    def due_at(self) -> datetime:
        """By when it must have closed."""
        return self.open_since + CLOSES_WITHIN


def is_running(minute: Minute, *, now: datetime) -> bool:
    """Whether it is the minute of our clock. Any other has ended, or was named by a clock that is wrong."""
    return minute.minute <= now < minute.minute + MINUTE


def is_late(minute: Minute, *, now: datetime) -> bool:
    """Whether it should have closed by now. A change that lies ahead says that our clock has been set back since."""
    return minute.closed_at is None and (now > minute.due_at or now < minute.changed_at - CLOSES_WITHIN)


def gaps(minute: Minute) -> dict[Side, int]:
    """What each side has too much, or too little if below 0. Sides that agree are left out."""
    found = {
        Side.VERDICTS: minute.accepted + minute.duplicate + minute.refused - minute.received,
        Side.STORED: minute.stored - minute.accepted - minute.own,
        Side.REFUSED: sum(minute.kept.values()) - minute.refused,
        **{Side(place): rows - minute.stored for place, rows in minute.elsewhere.items()},
    }
    return {side: gap for side, gap in found.items() if gap}


def lags(minute: Minute, *, now: datetime) -> dict[Side, int]:
    """Rows that are still on their way, as far as there is time."""
    if is_late(minute, now=now):
        return {}
    return {side: -gap for side, gap in gaps(minute).items() if side in PLACES and gap < 0}


def differences(minute: Minute, *, now: datetime) -> dict[Side, int]:
    """Gaps that no lag explains."""
    waiting = lags(minute, now=now)
    return {side: gap for side, gap in gaps(minute).items() if side not in waiting}


def closes(minute: Minute, *, now: datetime) -> bool:
    """Whether it has ended and everything agrees, once every place has been asked."""
    return not is_running(minute, now=now) and not gaps(minute)


_TOO_LITTLE = {
    Side.VERDICTS: "without a verdict",
    Side.STORED: "missing in the log",
    Side.REFUSED: "refused but not kept",
    Side.KAFKA: "missing in Kafka",
    Side.WAREHOUSE: "missing in the warehouse",
}
_TOO_MUCH = {
    Side.VERDICTS: "with a verdict but never received",
    Side.STORED: "too many in the log",
    Side.REFUSED: "kept as refused but never refused",
    Side.KAFKA: "too many in Kafka",
    Side.WAREHOUSE: "too many in the warehouse",
}
_ON_THEIR_WAY = {Side.KAFKA: "on their way to Kafka", Side.WAREHOUSE: "on their way to the warehouse"}


def sentence(minute: Minute, *, now: datetime) -> str:
    """How it stands, for people."""
    if minute.closed_at is not None:
        return "Everything is accounted for."
    apart = [
        f"{abs(gap):,} {(_TOO_MUCH if gap > 0 else _TOO_LITTLE)[side]}"
        for side, gap in differences(minute, now=now).items()
    ]
    waiting = [f"{rows:,} {_ON_THEIR_WAY[side]}" for side, rows in lags(minute, now=now).items()]
    if apart or waiting:
        return f"{', '.join([*apart, *waiting])}."
    if is_late(minute, now=now):
        return "Not judged yet: somebody who has to be asked does not answer; see the consumer's log."
    return "It goes on." if is_running(minute, now=now) else "It closes at the next look."


@dataclass(frozen=True, slots=True)
class Standing:
    """When stock was last taken, and which minutes should have closed."""

    at: datetime
    taken_at: datetime | None
    late: Sequence[Minute]

    @property
    def silent(self) -> timedelta:
        """How long nobody has taken stock; two minutes if nobody ever has."""
        return self.at - self.taken_at if self.taken_at else 2 * CLOSES_WITHIN

    @property
    def open_minutes(self) -> int:
        """Minutes that should have closed. While nobody takes stock none can, so those that pass count as well."""
        return len(self.late) + max(
            0, (self.silent - CLOSES_WITHIN) // MINUTE + 1 if self.silent > CLOSES_WITHIN else 0
        )

    @property
    def differences(self) -> dict[Side, int]:
        """What is missing or too much in minutes that should have closed, by side, whichever way."""
        found = dict.fromkeys(Side, 0)
        for minute in self.late:
            for side, gap in gaps(minute).items():
                found[side] += abs(gap)
        return found

    @property
    def sentence(self) -> str:
        if self.silent > CLOSES_WITHIN:
            return f"Nobody has taken stock for {self.silent.total_seconds():.0f} s; start a consumer, or `up`."
        if not self.late:
            return "Every minute that is due has closed: nothing is lost, nothing is counted twice."
        first = self.late[0]
        number = "1 minute has" if len(self.late) == 1 else f"{len(self.late):,} minutes have"
        return f"{number} not closed, the first from {first.minute:%Y-%m-%d %H:%M} UTC: {sentence(first, now=self.at)}"
