"""How much is used of each limit, and what a purchase or a play would add.

The store counts with the same arithmetic in one statement; this side shows it, and says why something was refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from casino_club.features.protection.rules.limits import LIMITED_CAPS, LIMITS, Limit, Measure, Period
from casino_club.features.protection.rules.periods import Spans
from casino_club.features.protection.rules.refusals import LimitReached
from casino_club.features.protection.rules.standing import Status
from casino_club.kernel.clock import MINUTE_US, SECOND_US, from_us

SESSION_GAP_US: Final = 30 * MINUTE_US
"""Plays that are no further apart are one sitting. Its time is from the first to the last, and a minute."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted, and in which periods. Older periods' counts are of no use any more."""

    starts_us: Mapping[Period, int]
    counted: Mapping[Limit, int]
    last_play_us: int
    sitting_began_us: int


def used(counts: Counts, limit: Limit, spans: Spans) -> int:
    """How much is counted in the period that holds now."""
    is_over = counts.starts_us[limit.period] < spans.starts_us[limit.period]
    return 0 if is_over else counts.counted[limit]


def cap_of(limit: Limit, caps: Mapping[Limit, int], status: Status) -> int | None:
    """The limit that holds: the user's own, and the house's for whoever is limited."""
    of_house = LIMITED_CAPS.get(limit) if status is Status.LIMITED else None
    return min((each for each in (caps.get(limit), of_house) if each is not None), default=None)


def played_us(counts: Counts, period: Period, at_us: int, spans: Spans) -> int:
    """The time that a play at this instant adds to the period."""
    if at_us - counts.last_play_us > SESSION_GAP_US:
        return MINUTE_US
    since = max(counts.last_play_us, counts.starts_us[period], spans.starts_us[period])
    return max(0, at_us - since)


def reached(
    counts: Counts,
    caps: Mapping[Limit, int],
    status: Status,
    added: Mapping[Measure, int],
    *,
    at_us: int,
    spans: Spans,
) -> LimitReached | None:
    """The limit that these amounts would break; of several, the one that lasts longest.

    Of `Measure.TIME` the amount is not read: a play adds what it adds.
    """
    for limit in sorted(LIMITS, key=lambda each: spans.ends_us[each.period], reverse=True):
        cap = cap_of(limit, caps, status)
        if cap is None or limit.measure not in added:
            continue
        is_time = limit.measure is Measure.TIME
        more = played_us(counts, limit.period, at_us, spans) if is_time else added[limit.measure]
        if used(counts, limit, spans) + more > cap * limit.measure.counted_in:
            return _refusal(limit, cap, used(counts, limit, spans), at_us=at_us, ends_us=spans.ends_us[limit.period])
    return None


def _refusal(limit: Limit, cap: int, counted: int, *, at_us: int, ends_us: int) -> LimitReached:
    return LimitReached(
        limit.name,
        unit=limit.measure.unit,
        amount=cap,
        used=counted // limit.measure.counted_in,
        resets_at=from_us(ends_us),
        seconds=max(1, -((at_us - ends_us) // SECOND_US)),
    )
