"""The door for what a slice says must always hold of its rows: the nightly check looks, a chunk at a time.

Slices declare inspections in their `jobs.py`, entry points collect them. What they find is kept and shown with what the
ledger itself breaks.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from casino_club.infra.db.database import Db


class Finding(NamedTuple):
    """What is broken, and an example."""

    invariant: str
    example: str


@dataclass(frozen=True, slots=True)
class Looked:
    """What a chunk brought to light, and the id of its last row; None once there are no more."""

    found: Sequence[Finding]
    last_id: int | None


Look = Callable[[Db, int, int], Awaitable[Looked]]
"""Looks at the rows behind an id, so many at most, all of it as it is at one instant."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """Rows of one kind, and what must hold of them, by name."""

    name: str
    invariants: Mapping[str, str]
    look: Look


@dataclass(frozen=True, slots=True)
class Inspections:
    """Those of all slices, in the order in which they are made."""

    every: tuple[Inspection, ...] = ()

    @property
    def about(self) -> dict[str, str]:
        """What each invariant says."""
        return {name: about for each in self.every for name, about in each.invariants.items()}

    def named(self, name: str) -> Inspection:
        return next(each for each in self.every if each.name == name)


def inspection(name: str, *, invariants: Mapping[str, str]) -> Callable[[Look], Inspection]:
    """Make a function an inspection."""
    return lambda look: Inspection(name, invariants, look)
