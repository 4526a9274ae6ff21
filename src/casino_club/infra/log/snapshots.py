"""Snapshots as PostgreSQL writes them, judged without asking it; and what a reader has had, as steps of snapshots.

Snapshots of one server follow upon each other: of two, the later one shows all that the earlier one shows.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

SNAPSHOTS_KEPT_MAX = 4_096
ANY_ID = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Transactions below `xmin` are over, those from `xmax` on had not begun, and of the others these were running."""

    xmin: int
    xmax: int
    running: frozenset[int]

    def shows(self, xact: int) -> bool:
        """What `pg_visible_in_snapshot` says."""
        return xact < self.xmin or (xact < self.xmax and xact not in self.running)

    def shows_all_of(self, other: "Snapshot") -> bool:
        """Whether whatever the other shows is shown here too."""
        return other.xmax <= self.xmax and not any(other.shows(xact) for xact in self.running)


@lru_cache(SNAPSHOTS_KEPT_MAX)
def parsed(text: str) -> Snapshot:
    """A snapshot from `xmin:xmax:running,running`; raises ValueError if it is none."""
    xmin, xmax, running = text.split(":")
    return Snapshot(int(xmin), int(xmax), frozenset(int(xact) for xact in running.split(",") if xact))


def begun_before(text: str, xact: int) -> str:
    """The snapshot that shows of a later one's transactions only those with lower numbers than this."""
    snapshot = parsed(text)
    if snapshot.xmax <= xact:
        return text
    running = sorted(each for each in snapshot.running if each < xact)
    return f"{min(running, default=xact)}:{xact}:{','.join(map(str, running))}"


class Step(NamedTuple):
    """The rows that a snapshot shows, up to an id."""

    snapshot: str
    upto_id: int = ANY_ID

    def covers(self, xact: int, row_id: int) -> bool:
        return row_id <= self.upto_id and parsed(self.snapshot).shows(xact)

    def covers_all_of(self, other: "Step") -> bool:
        return other.upto_id <= self.upto_id and parsed(self.snapshot).shows_all_of(parsed(other.snapshot))


Steps = tuple[Step, ...]
"""All that any of the steps covers. The later its snapshot, the lower the id that a step reaches to."""


def covered(steps: Steps, xact: int, row_id: int) -> bool:
    """Whether a row is among what the steps cover."""
    return any(step.covers(xact, row_id) for step in steps)


def joined(steps: Steps, more: Iterable[Step]) -> Steps:
    """What either covers, in as few steps as possible."""
    kept = list(steps)
    for new in more:
        if not any(step.covers_all_of(new) for step in kept):
            kept = [step for step in kept if not new.covers_all_of(step)] + [new]
    return tuple(kept)


def earliest(snapshots: Iterable[str]) -> str:
    """The one that all others show everything of."""
    found, *others = snapshots
    for other in others:
        if not parsed(other).shows_all_of(parsed(found)):
            found = other
    return found
