"""How an erasure stands, and when it is due."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

JOURNAL = "journal"
"""What confirms that a restored dump will be told."""


class ErasureState(StrEnum):
    """From `begun` on there is no way back; `done` is when every store has confirmed."""

    ASKED = "asked"
    TAKEN_BACK = "taken_back"
    BEGUN = "begun"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Erasure:
    """One erasure. `row_id` is the user's last row in the log, once it has begun."""

    id: UUID
    user_id: int
    state: ErasureState
    receipt_digest: bytes | None
    asked_at: datetime
    due_at: datetime
    row_id: int | None
    begun_at: datetime | None
    done_at: datetime | None
    noted: str | None
    """The change that the journal has last been told."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """How far an erasure is: which stores have confirmed, when, and which are waited for."""

    erasure: Erasure
    confirmed: dict[str, datetime]
    waiting: tuple[str, ...]


def receipt_of(erasure: Erasure, confirmed: dict[str, datetime], stores: tuple[str, ...]) -> Receipt:
    """Once all have confirmed nothing is waited for, whatever stores are added later."""
    is_over = erasure.state in (ErasureState.DONE, ErasureState.TAKEN_BACK)
    return Receipt(erasure, confirmed, () if is_over else tuple(each for each in stores if each not in confirmed))
