"""Reality checks: being told, every so many minutes of a sitting, how long one has played."""

from typing import Final

from casino_club.features.protection.rules.counting import SESSION_GAP_US, Counts
from casino_club.kernel.clock import MINUTE_US

REALITY_MINUTES_MIN: Final = 5
REALITY_MINUTES_MAX: Final = 240


def sitting_us(counts: Counts, at_us: int) -> int:
    """How long the user has been playing without a break; 0 once they have had one."""
    is_over = at_us - counts.last_play_us > SESSION_GAP_US
    return 0 if is_over else max(0, counts.last_play_us - counts.sitting_began_us) + MINUTE_US


def is_due(counts: Counts, minutes: int | None, *, seen_us: int, at_us: int) -> bool:
    """Whether the next reality check is to be shown."""
    if minutes is None or not sitting_us(counts, at_us):
        return False
    since_us = max(counts.sitting_began_us - MINUTE_US, seen_us)
    return counts.last_play_us - since_us >= minutes * MINUTE_US
