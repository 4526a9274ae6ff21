"""Rows as parameters of their own. PostgreSQL knows how many there are, and keeps one plan for each number of them.

Arrays would leave it guessing, so that it plans each time anew; and they take longer to write and to read.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain


@lru_cache(maxsize=256)
def placeholders(types: tuple[str, ...], rows: int, *, after: int) -> str:
    """`VALUES` of so many rows, whose parameters are numbered behind those that come before."""
    return "VALUES " + ", ".join(_row(types, after + at * len(types)) for at in range(rows))


def _row(types: tuple[str, ...], after: int) -> str:
    return "(" + ", ".join(f"${number}::{each}" for number, each in enumerate(types, start=after + 1)) + ")"


def flat(rows: Iterable[Sequence[object]]) -> Iterable[object]:
    """The rows' fields, one after the other."""
    return chain.from_iterable(rows)
