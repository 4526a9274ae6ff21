"""Limits of one user in plain Python: a list of all that happened, added up anew for every question."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from casino_club.features.protection.rules.limits import LIMITS, Limit, Measure, Period

GAP = timedelta(minutes=30)
MINUTE = timedelta(minutes=1)


class Refused(Exception):
    """More than a limit allows."""


@dataclass
class Waiting:
    """A raise."""

    amount: int | None
    due_at: datetime


@dataclass
class Model:
    """All that one user did, and the limits they set. It knows nothing of ours but the names of limits."""

    zone: ZoneInfo
    happened: list[tuple[datetime, Measure, int]] = field(default_factory=list)
    plays: list[datetime] = field(default_factory=list)
    caps: dict[Limit, int] = field(default_factory=dict)
    waiting: dict[Limit, Waiting] = field(default_factory=dict)

    def add(self, measure: Measure | None, amount: int, at: datetime, *, is_play: bool) -> None:
        """Raises `Refused`, and then nothing has happened."""
        before = len(self.happened), len(self.plays)
        if measure is not None:
            self.happened.append((at, measure, amount))
        if is_play:
            self.plays.append(at)
        counting = {measure, Measure.TIME} if is_play else {measure}
        if any(self._is_broken(limit, at) for limit in LIMITS if limit.measure in counting):
            del self.happened[before[0] :], self.plays[before[1] :]
            raise Refused

    def give_back(self, measure: Measure, amount: int, admitted_at: datetime) -> None:
        self.happened.append((admitted_at, measure, -amount))

    def used(self, limit: Limit, at: datetime) -> int:
        """In the period that holds this instant: microseconds of time, else amounts."""
        start = self._start(limit.period, at)
        if limit.measure is Measure.TIME:
            return self._played_since(start) // timedelta(microseconds=1)
        return sum(amount for when, measure, amount in self.happened if measure is limit.measure and when >= start)

    def _is_broken(self, limit: Limit, at: datetime) -> bool:
        cap = self.caps.get(limit)
        unit = 60_000_000 if limit.measure is Measure.TIME else 1
        return cap is not None and self.used(limit, at) > cap * unit

    def _played_since(self, start: datetime) -> timedelta:
        played, last = timedelta(), None
        for at in self.plays:
            if last is None or at - last > GAP:
                played += MINUTE if at >= start else timedelta()
            else:
                played += max(timedelta(), at - max(last, start))
            last = at
        return played

    def _start(self, period: Period, at: datetime) -> datetime:
        day = at.astimezone(self.zone).date()
        first = {
            Period.DAY: day,
            Period.WEEK: day - timedelta(days=day.weekday()),
            Period.MONTH: date(day.year, day.month, 1),
        }[period]
        return datetime(first.year, first.month, first.day, tzinfo=self.zone)

    def set_limit(self, limit: Limit, amount: int | None, at: datetime) -> None:
        current = self.caps.get(limit)
        if amount is not None and (current is None or amount <= current):
            self.caps[limit] = amount
            self.waiting.pop(limit, None)
        else:
            self.waiting[limit] = Waiting(amount, at + timedelta(hours=24))

    def confirm(self, limit: Limit, at: datetime) -> None:
        """Raises `Refused` if nothing waits, or it is too soon."""
        waiting = self.waiting.get(limit)
        if waiting is None or at < waiting.due_at:
            raise Refused
        del self.waiting[limit]
        if waiting.amount is None:
            self.caps.pop(limit, None)
        else:
            self.caps[limit] = waiting.amount
