"""Chance that comes again: a stream for each user, day and purpose, and exact draws from whole weights."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from hashlib import blake2b
from itertools import accumulate
from math import exp, lcm
from random import Random
from typing import Final, Generic, TypeVar

T = TypeVar("T")

WORD_BITS: Final = 64
WORDS_MAX: Final = 64
"""So many words in a row are never passed over: one is with a chance of less than one in ten billion."""
ARRIVALS_MAX: Final = 50

_REST: Final = (1 << WORD_BITS) - 1


def stream(seed: int, *, user: int, day: int, purpose: str) -> Random:
    """Nobody's stream depends on what others, other days or other purposes have drawn."""
    text = f"{seed}/{user}/{day}/{purpose}"
    return Random(int.from_bytes(blake2b(text.encode(), digest_size=16).digest(), "big"))  # noqa: S311 - play money of nobody


@dataclass(frozen=True, slots=True)
class Exact(Generic[T]):
    """What can come, in an order, with the edges of its whole weights.

    Words are mapped in that order, so that where two tables differ a little, the same word gives much the same.
    """

    values: tuple[T, ...]
    edges: tuple[int, ...]
    passed_over: int
    """Words of which so many would favour some values."""

    def drawn(self, rng: Random) -> T:
        """One of them, each with its exact chance. Of one value alone nothing is drawn."""
        if len(self.values) == 1:
            return self.values[0]
        total = self.edges[-1]
        for _ in range(WORDS_MAX):
            scaled = rng.getrandbits(WORD_BITS) * total
            if scaled & _REST >= self.passed_over:
                return self.values[bisect_right(self.edges, scaled >> WORD_BITS)]
        raise AssertionError("every word was passed over")


def exact(rates: Mapping[T, Fraction]) -> Exact[T]:
    """Draws at these rates, which add up to 1."""
    assert sum(rates.values()) == 1, "rates add up to 1"
    whole = lcm(*(rate.denominator for rate in rates.values()))
    return weighed({value: rate.numerator * (whole // rate.denominator) for value, rate in rates.items()})


def weighed(weights: Mapping[T, int]) -> Exact[T]:
    """Draws by these weights."""
    edges = tuple(accumulate(weights.values()))
    return Exact(tuple(weights), edges, (_REST + 1) % edges[-1])


def happens(rng: Random, percent: float) -> bool:
    """Whether something of this chance happens. It takes one number whatever the chance is."""
    return rng.random() * 100 < percent


def arrivals(rng: Random, mean: float) -> int:
    """How many come of what comes on its own, so many on average (Poisson)."""
    floor, left = exp(-mean), rng.random()
    for number in range(ARRIVALS_MAX):
        if left <= floor:
            return number
        left *= rng.random()
    return ARRIVALS_MAX
