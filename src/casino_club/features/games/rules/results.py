"""What a round has come to, in a word. What returns less than the stake, or no more, is no win and not called one."""

from enum import StrEnum


class Result(StrEnum):
    """From the user's side."""

    LOSE = "lose"
    """Nothing came back."""
    PARTIAL = "partial"
    """Less than the stake came back."""
    EVEN = "even"
    """The stake came back."""
    WIN = "win"
    """More than the stake came back."""


def result_of(*, staked: int, won: int) -> Result:
    """The word for it."""
    if won > staked:
        return Result.WIN
    if won == staked:
        return Result.EVEN
    return Result.PARTIAL if won else Result.LOSE
