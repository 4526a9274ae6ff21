"""A user's standing: streak, plays of the day, last play and last action, as they are after each row of the log."""

from collections.abc import Callable

import msgspec

DayBounds = Callable[[int], tuple[int, int]]
"""Gives the midnights around an instant, in microseconds."""


class Standing(msgspec.Struct, frozen=True, gc=False):
    """What the log knows of one user. Zero times mean never."""

    streak: int = 0
    day_plays: int = 0
    last_play_us: int = 0
    last_action_us: int = 0


def after_action(before: Standing, *, at_us: int, is_play: bool, gap_us: int, day_bounds: DayBounds) -> Standing:
    """The standing after one more action. A play older than the last one never touches the streak."""
    last_play_us, last_action_us = before.last_play_us, before.last_action_us
    if at_us > last_action_us:
        last_action_us = at_us
    if not is_play:
        return Standing(before.streak, before.day_plays, last_play_us, last_action_us)
    if at_us < last_play_us:
        start, end = day_bounds(last_play_us)
        return Standing(before.streak, before.day_plays + (start <= at_us < end), last_play_us, last_action_us)

    start, end = day_bounds(at_us)
    streak = before.streak + 1 if at_us - last_play_us <= gap_us else 1
    day_plays = before.day_plays + 1 if start <= last_play_us < end else 1
    return Standing(streak, day_plays, at_us, last_action_us)


def streak_ends_us(standing: Standing, gap_us: int) -> int:
    """The instant from which the streak reads 0 unless another play comes; 0 for a user who never played."""
    return standing.last_play_us + gap_us + 1 if standing.last_play_us else 0
