"""Checks of age."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from casino_club.features.identity.rules.ages import AgeCheck
from casino_club.features.identity.rules.refusals import AgeUnproven
from casino_club.infra.db.database import Db
from casino_club.kernel.subject import UserSubject

REMEMBERED_MAX: Final = 100_000


async def age_check_of(db: Db, subject: UserSubject) -> AgeCheck | None:
    """The subject's latest check."""
    row = await db.fetchrow(
        "SELECT reference, asked_at, settled_at, is_of_age FROM age_checks WHERE user_id = $1", subject.user_id
    )
    return None if row is None else AgeCheck(**row)


async def add_age_check(db: Db, subject: UserSubject, reference: str, *, now: datetime) -> None:
    """A check in place of an earlier one, unless that proved the age."""
    await db.execute(
        "INSERT INTO age_checks AS c (user_id, reference, asked_at) VALUES ($1, $2, $3) ON CONFLICT (user_id)"
        " DO UPDATE SET reference = $2, asked_at = $3, settled_at = NULL, is_of_age = NULL"
        " WHERE c.is_of_age IS NOT TRUE",
        *(subject.user_id, reference, now),
    )


async def settle_age_check(db: Db, subject: UserSubject, reference: str, *, is_of_age: bool, now: datetime) -> None:
    """Settle this check. Of somebody who is not of age no date of birth is kept."""
    await db.execute(
        "UPDATE age_checks SET settled_at = $3, is_of_age = $4"
        " WHERE user_id = $1 AND reference = $2 AND settled_at IS NULL",
        *(subject.user_id, reference, now, is_of_age),
    )
    if not is_of_age:
        await db.execute("DELETE FROM user_data WHERE user_id = $1 AND field = 'birth_date'", subject.user_id)


async def is_of_age(db: Db, user_id: int) -> bool:
    """Whether the user has proved to be of age."""
    proven: bool | None = await db.fetchval("SELECT is_of_age FROM age_checks WHERE user_id = $1", user_id)
    return proven is True


@dataclass(frozen=True, slots=True)
class ProvenAges:
    """Who was found to be of age is not looked up again: that is never taken back while there is such a user."""

    users: set[int] = field(default_factory=set)

    async def check(self, db: Db, user_id: int, *, years_min: int) -> None:
        """Raises `AgeUnproven` where an age is asked for and the user has proved none."""
        if years_min and not await self.holds(db, user_id):
            raise AgeUnproven(years_min)

    async def holds(self, db: Db, user_id: int) -> bool:
        """Whether the user has proved to be of age."""
        if user_id in self.users:
            return True
        if not await is_of_age(db, user_id):
            return False
        if len(self.users) >= REMEMBERED_MAX:
            self.users.clear()
        self.users.add(user_id)
        return True
