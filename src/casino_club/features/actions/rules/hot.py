"""What the hot store shows of a standing. Silence ends a streak and a day's count, so both carry their own end."""

from casino_club.features.actions.rules.standing import DayBounds, Standing, streak_ends_us

Shown = tuple[str, int | None]
"""A text, and the millisecond at which it ends by itself, if any."""


def hot_values(standing: Standing, *, gap_us: int, day_bounds: DayBounds) -> dict[str, Shown | None]:
    """The user's hot metrics; a value that is None reads as 0."""
    if not standing.last_play_us:
        streak = plays = None
    else:
        _, midnight_us = day_bounds(standing.last_play_us)
        streak = (str(standing.streak), _ms(streak_ends_us(standing, gap_us)))
        plays = (str(standing.day_plays), _ms(midnight_us))
    return {
        "streak_count": streak,
        "daily_play_count": plays,
        "last_action_ts": (str(standing.last_action_us // 1_000), None),
    }


def _ms(us: int) -> int:
    """The first whole millisecond that is not before this instant."""
    return -(-us // 1_000)
