"""Who may carry out a correction: anybody who may propose one up to a limit, and above it a second person."""

from dataclasses import dataclass
from datetime import datetime

from casino_club.features.wallet.rules.refusals import CorrectionSettled, SecondPersonNeeded


@dataclass(frozen=True, slots=True)
class Correction:
    """A correction on its way, carried out, or withdrawn. Staff are named by number."""

    id: int
    tx_id: int
    because: str
    largest_amount: int
    proposed_by: int
    proposed_at: datetime
    settled_by: int | None
    settled_at: datetime | None
    correction_tx_id: int | None


def may_be_alone(largest_amount: int, *, alone_max: int) -> bool:
    """Whether one person is enough."""
    return largest_amount <= alone_max


def check_open(correction: Correction) -> None:
    """Raises `CorrectionSettled` where there is nothing left to decide."""
    if correction.settled_at is not None:
        raise CorrectionSettled


def may_approve(correction: Correction, by_user_id: int) -> None:
    """Raises what speaks against this person's approval."""
    check_open(correction)
    if by_user_id == correction.proposed_by:
        raise SecondPersonNeeded
