"""What is told of an import while it runs and at its end. Bounded, whatever the file holds, and can be gone on with."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

import msgspec

EXAMPLES_MAX = 3
TYPES_MAX = 100
USERS_MAX = 1_024
_MASK = (1 << 64) - 1


class Example(msgspec.Struct, frozen=True):
    """One refused row."""

    line: int
    message: str


class Reason(msgspec.Struct):
    """Why rows were refused: how many, and the first few."""

    rows: int = 0
    examples: list[Example] = []


class ImportReport(msgspec.Struct):
    """Rows by verdict and reason, the types that were found, and from when to when they are."""

    rows: int = 0
    accepted: int = 0
    duplicate: int = 0
    refused: dict[str, Reason] = {}
    types: dict[str, int] = {}
    first_at: datetime | None = None
    last_at: datetime | None = None
    least_hashes: list[int] = []
    """The least hashes of users: from how close they lie follows how many there are."""

    @property
    def refused_rows(self) -> int:
        return sum(reason.rows for reason in self.refused.values())

    @property
    def users(self) -> int:
        """How many users there are: exactly, up to a thousand; some 3 % more or less beyond."""
        if len(self.least_hashes) < USERS_MAX:
            return len(self.least_hashes)
        return round((USERS_MAX - 1) * 2**64 / self.least_hashes[-1])

    @property
    def users_are_counted(self) -> bool:
        return len(self.least_hashes) < USERS_MAX

    def refuse(self, code: str, line: int, message: str) -> None:
        """Count a refused row."""
        reason = self.refused.setdefault(code, Reason())
        reason.rows += 1
        if len(reason.examples) < EXAMPLES_MAX:
            reason.examples.append(Example(line, message))

    def see_types(self, types: Iterable[str]) -> None:
        """Count rows by their type; of a column that holds anything but types, the first hundred."""
        for name, rows in Counter(types).items():
            if name in self.types or len(self.types) < TYPES_MAX:
                self.types[name] = self.types.get(name, 0) + rows

    def see_times(self, first: datetime, last: datetime) -> None:
        """Widen the range of times."""
        self.first_at = first if self.first_at is None else min(first, self.first_at)
        self.last_at = last if self.last_at is None else max(last, self.last_at)

    def see_users(self, users: Iterable[int]) -> None:
        """Count users who may have been seen before."""
        hashes = {_mixed(user) for user in users}
        self.least_hashes = sorted(hashes.union(self.least_hashes))[:USERS_MAX]


def _mixed(number: int) -> int:
    """A hash that spreads neighbours over all 64 bits."""
    number = (number + 0x9E3779B97F4A7C15) & _MASK
    number = ((number ^ number >> 30) * 0xBF58476D1CE4E5B9) & _MASK
    number = ((number ^ number >> 27) * 0x94D049BB133111EB) & _MASK
    return number ^ number >> 31
