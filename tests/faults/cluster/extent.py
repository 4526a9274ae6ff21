"""How much of everything a run does: CASINO_CLUB_TEST_KILLS and CASINO_CLUB_TEST_LASTING_SECONDS say it."""

import os
from dataclasses import dataclass

KILLS = int(os.environ.get("CASINO_CLUB_TEST_KILLS", "2"))
LONG_FROM = 20
LASTING_SECONDS = float(os.environ.get("CASINO_CLUB_TEST_LASTING_SECONDS", "60" if KILLS >= LONG_FROM else "8"))
"""How long lasts what lasts."""


@dataclass(frozen=True)
class Extent:
    """The bounds of a run."""

    kills: int = KILLS
    """At each named point."""

    @property
    def is_long(self) -> bool:
        return self.kills >= LONG_FROM

    @property
    def kills_per_check(self) -> int:
        """After so many kills at named points everything is compared."""
        return min(5, max(1, self.kills // 2))

    @property
    def times(self) -> int:
        """For what takes long."""
        return 5 if self.is_long else 1

    seconds: float = LASTING_SECONDS
