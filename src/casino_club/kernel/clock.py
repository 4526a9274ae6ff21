"""The operator's days. Times are UTC everywhere; only a calendar knows where midnight is.

Hot paths count time in whole microseconds since 1970 (`…_us`), as PostgreSQL does: integers compare ten times faster.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
DAY_US = 86_400_000_000
MINUTE_US = 60_000_000
SECOND_US = 1_000_000
QUARTER_US = 15 * MINUTE_US
QUARTERS_KEPT_MAX = 20_000


def to_us(instant: datetime) -> int:
    """Microseconds since 1970 of an aware datetime."""
    passed = instant - EPOCH
    return (passed.days * 86_400 + passed.seconds) * SECOND_US + passed.microseconds


def from_us(us: int) -> datetime:
    """The UTC datetime of microseconds since 1970."""
    return EPOCH + us * MICROSECOND


class Calendar:
    """Days of one time zone, daylight saving included. Remembers the last day, since most questions repeat."""

    def __init__(self, zone: str) -> None:
        self.zone = zone
        self._info = ZoneInfo(zone)
        self._bounds = (0, 0)
        self._days_by_quarter: dict[int, int] = {}

    def day_of(self, instant: datetime) -> date:
        """The operator's calendar day that holds this instant."""
        return instant.astimezone(self._info).date()

    def day_bounds_us(self, at_us: int) -> tuple[int, int]:
        """The midnights that begin and end this instant's day; the second is the next day's first."""
        start, end = self._bounds
        if not start <= at_us < end:
            self._bounds = start, end = self.bounds_of_us(self.day_of(from_us(at_us)))
        return start, end

    def day_number(self, at_us: int) -> int:
        """The operator's day as days since 1970. No zone's days begin within a quarter of an hour."""
        quarter = at_us // QUARTER_US
        found = self._days_by_quarter.get(quarter)
        if found is None:
            if len(self._days_by_quarter) >= QUARTERS_KEPT_MAX:
                self._days_by_quarter.clear()
            found = self._days_by_quarter[quarter] = (self.day_of(from_us(at_us)) - EPOCH.date()).days
        return found

    def bounds_of_us(self, day: date) -> tuple[int, int]:
        """The midnights that begin and end a day."""
        return self._midnight_us(day), self._midnight_us(day + timedelta(days=1))

    def _midnight_us(self, day: date) -> int:
        return to_us(datetime.combine(day, time(), tzinfo=self._info).astimezone(UTC))
