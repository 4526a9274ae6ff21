"""What was settled, by minute: the intake's word and the rows themselves, which are counted apart."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class RowCounts:
    """Rows of the log; `own` are those that the platform appended itself."""

    rows: int = 0
    own: int = 0
    first_id: int | None = None
    last_id: int | None = None


@dataclass(frozen=True, slots=True)
class MinuteCounts:
    """One minute's share of what some transactions settled.

    The first five are what doors and commands say they did, `stored` the rows that are there, `kept` the refused
    actions that are there, by their codes.
    """

    minute: datetime
    received: int = 0
    accepted: int = 0
    duplicate: int = 0
    refused: int = 0
    own: int = 0
    stored: RowCounts = RowCounts()
    kept: Mapping[str, int] = field(default_factory=dict)
