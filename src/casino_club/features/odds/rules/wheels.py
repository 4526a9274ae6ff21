"""Wheels of weighted places, stopped by random words. A word that would favour some places is passed over."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

WORD_BITS: Final = 64


@dataclass(frozen=True, slots=True)
class Wheel:
    """Places with whole weights. `edges[i]` is where the i-th place ends."""

    edges: tuple[int, ...]

    @property
    def total(self) -> int:
        return self.edges[-1]

    @property
    def weights(self) -> list[int]:
        return [after - before for before, after in zip((0, *self.edges), self.edges, strict=False)]

    def place_of(self, word: int, *, bits: int = WORD_BITS) -> int | None:
        """The place that a word of so many bits stops at; None if the word has to be passed over."""
        total, words = self.edges[-1], 1 << bits
        if word >= words - words % total:
            return None
        return bisect_right(self.edges, word % total)


def wheel_of(weights: Sequence[int]) -> Wheel:
    """The wheel of these weights, of which one at least is not 0."""
    return Wheel(tuple(accumulate(weights)))


def stop(wheels: Sequence[Wheel], words: Iterator[int]) -> tuple[int, ...]:
    """Where the wheels stop, one after the other."""
    return tuple(_stop_one(wheel, words) for wheel in wheels)


def _stop_one(wheel: Wheel, words: Iterator[int]) -> int:
    for word in words:
        place = wheel.place_of(word)
        if place is not None:
            return place
    raise AssertionError("words have no end")
