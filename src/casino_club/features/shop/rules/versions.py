"""How a catalogue becomes live: drafted, approved by two different people, from an instant on. Nobody edits it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from casino_club.features.shop.rules.refusals import ApprovedAlready, VersionSettled

APPROVALS_NEEDED: Final = 2


@dataclass(frozen=True, slots=True)
class Version:
    """A catalogue on its way, or there."""

    id: int
    digest: str
    drafted_by: str
    drafted_at: datetime
    live_at: datetime
    approved_at: datetime | None
    live_from: datetime | None
    withdrawn_at: datetime | None
    approved_by: tuple[int, ...] = ()


def check_open(version: Version) -> None:
    """Raises `VersionSettled` where there is nothing left to decide."""
    if version.approved_at is not None or version.withdrawn_at is not None:
        raise VersionSettled


def may_approve(version: Version, by_user_id: int) -> None:
    """Raises what speaks against this person's approval."""
    check_open(version)
    if by_user_id in version.approved_by:
        raise ApprovedAlready


def is_approved(approved_by: Collection[int]) -> bool:
    """Whether enough different people have approved."""
    return len(set(approved_by)) >= APPROVALS_NEEDED


def live_from(version: Version, approved_at: datetime) -> datetime:
    """From when on it is live: as wanted, but never before it was approved."""
    return max(version.live_at, approved_at)
