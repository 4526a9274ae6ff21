"""What is shown of a user's protection, read at one instant."""

from collections.abc import Mapping
from dataclasses import dataclass

from casino_club.features.protection.rules.consents import Purpose
from casino_club.features.protection.rules.limits import Limit, Raise
from casino_club.features.protection.store import consents, protections
from casino_club.features.protection.store.consents import Consent
from casino_club.features.protection.store.protections import Protection
from casino_club.infra.db.database import Db


@dataclass(frozen=True, slots=True)
class Whole:
    """Everything about one user's protection."""

    held: Protection
    waiting: Mapping[Limit, Raise]
    said: Mapping[Purpose, Consent]


async def whole_of(db: Db, user_id: int) -> Whole:
    """Everything about the user's protection."""
    return Whole(
        await protections.protection_of(db, user_id),
        await protections.raises_of(db, user_id),
        await consents.current(db, user_id),
    )
