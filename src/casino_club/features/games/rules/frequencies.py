"""How often each number came lately. It says what was and nothing of what will be: the wheel remembers nothing."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

SPINS: Final = 100
SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Frequency:
    """A number, and how often it came."""

    number: str
    times: int


def frequencies(numbers: Sequence[str], came: Sequence[str]) -> list[Frequency]:
    """Every number of the wheel, in its order."""
    times = Counter(came)
    return [Frequency(each, times[each]) for each in numbers]


def hot(found: Sequence[Frequency]) -> list[Frequency]:
    """Those that came most often. None, if nothing came yet."""
    return [each for each in sorted(found, key=lambda each: -each.times)[:SHOWN] if each.times]


def cold(found: Sequence[Frequency]) -> list[Frequency]:
    """Those that came least often. None, if nothing came yet."""
    return sorted(found, key=lambda each: each.times)[:SHOWN] if any(each.times for each in found) else []
