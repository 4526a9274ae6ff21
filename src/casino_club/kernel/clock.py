"""The operator's days. Times are UTC everywhere; only a calendar knows where midnight is."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


class Calendar:
    """Days of one time zone, daylight saving included. Remembers the last day asked for, since most questions repeat."""

    def __init__(self, zone: str) -> None:
        self.zone = zone
        self._info = ZoneInfo(zone)
        self._day = date.min
        self._start = self._end = datetime.min.replace(tzinfo=UTC)

    def day_of(self, instant: datetime) -> date:
        """The operator's calendar day that holds this instant."""
        if not self._start <= instant < self._end:
            self._day = instant.astimezone(self._info).date()
            self._start = self._midnight(self._day)
            self._end = self._midnight(self._day + timedelta(days=1))
        return self._day

    def end_of_day(self, instant: datetime) -> datetime:
        """The midnight that ends this instant's day, in UTC."""
        self.day_of(instant)
        return self._end

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), tzinfo=self._info).astimezone(UTC)
