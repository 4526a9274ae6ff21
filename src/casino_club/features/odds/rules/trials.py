"""Trials of one approved table beside another: who sees which, and what the difference is, user by user.

Users are the unit, never draws: one user's draws belong together, and counting them singly finds differences in noise.
"""

import hashlib
from dataclasses import dataclass
from math import sqrt
from typing import Final

PERMILLE: Final = 1_000
USERS_NEEDED: Final = 30
"""With fewer users on a side there is no interval worth showing."""
Z_95: Final = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Side:
    """The users of one table: how many, and the sums of a figure and of its squares over them."""

    users: int
    total: float
    squares: float

    @property
    def mean(self) -> float:
        return self.total / self.users if self.users else 0.0

    @property
    def variance_of_mean(self) -> float:
        if self.users < 2:
            return 0.0
        return max(0.0, (self.squares - self.users * self.mean**2) / (self.users - 1)) / self.users


@dataclass(frozen=True, slots=True)
class Difference:
    """How much more a user of the challenger does, on average; with an interval once there are enough users."""

    mean: float
    low: float | None
    high: float | None


def is_challenged(trial_id: int, user_id: int, *, share_permille: int) -> bool:
    """Whether a trial shows its challenger to this user: the same for ever, and unrelated to any other trial."""
    digest = hashlib.sha256(f"casino-club/odds-trial/1:{trial_id}:{user_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % PERMILLE < share_permille


def difference(live: Side, challenger: Side) -> Difference:
    """Welch's interval of 95%, by the normal law: it needs users enough on both sides."""
    mean = challenger.mean - live.mean
    if min(live.users, challenger.users) < USERS_NEEDED:
        return Difference(mean, None, None)
    reach = Z_95 * sqrt(live.variance_of_mean + challenger.variance_of_mean)
    return Difference(mean, mean - reach, mean + reach)
