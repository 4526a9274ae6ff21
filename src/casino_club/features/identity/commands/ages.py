"""Proof of age: asked of a verifier, who answers later. The date of birth is sealed; a yes or no is kept in clear."""

from dataclasses import dataclass
from datetime import date, datetime

from casino_club.features.identity.commands.desk import Desk, count_attempt
from casino_club.features.identity.rules import ages, limits
from casino_club.features.identity.rules.ages import AgeCheck, AgeStatus
from casino_club.features.identity.rules.refusals import AgeUnavailable
from casino_club.features.identity.store import ages as checks
from casino_club.features.identity.store import users
from casino_club.infra.db.database import Db
from casino_club.infra.ports import AgeAnswer, AgeVerifierAway
from casino_club.kernel.subject import UserSubject

BIRTH_DATE = "birth_date"


@dataclass(frozen=True, slots=True)
class AgeStanding:
    """How a user's age stands, and since when that is settled."""

    status: AgeStatus
    settled_at: datetime | None = None


async def ask(desk: Desk, subject: UserSubject, birth_date: date, *, now: datetime) -> AgeStanding:
    """Begin a check, unless one is under way or the age is proven. Raises `AgeUnavailable`; nothing is kept then."""
    ages.check_birth_date(birth_date, desk.actions.calendar.day_of(now))
    async with desk.database.connection() as db:
        check = await checks.age_check_of(db, subject)
    if ages.status_of(check, now) in (AgeStatus.PENDING, AgeStatus.PROVEN):
        return _standing(check, now)
    await count_attempt(desk, limits.AGE_CHECKS_OF_USER, str(subject.user_id), now=now)

    try:
        reference = await desk.ages.ask(birth_date)
    except AgeVerifierAway as away:
        raise AgeUnavailable from away

    await desk.database.run(lambda db: _begin(db, desk, subject, birth_date, reference, now=now))
    return AgeStanding(AgeStatus.PENDING)


async def _begin(db: Db, desk: Desk, subject: UserSubject, birth_date: date, reference: str, *, now: datetime) -> None:
    await users.lock_account(db, subject.user_id)
    check = await checks.age_check_of(db, subject)
    if ages.status_of(check, now) in (AgeStatus.PENDING, AgeStatus.PROVEN):
        return  # Somebody was quicker; their date belongs to the check that counts.

    key = await users.key_of(db, subject, subject.user_id, vault=desk.vault)
    await users.save_data(db, subject, key, {BIRTH_DATE: birth_date.isoformat()})
    await checks.add_age_check(db, subject, reference, now=now)


async def read(desk: Desk, subject: UserSubject, *, now: datetime) -> AgeStanding:
    """How the age stands; settles a check that was answered in the meantime."""
    async with desk.database.connection() as db:
        check = await checks.age_check_of(db, subject)
    if check is None or ages.status_of(check, now) is not AgeStatus.PENDING:
        return _standing(check, now)

    try:
        answer = await desk.ages.answer(check.reference)
    except AgeVerifierAway:
        answer = None
    if answer is None:
        return _standing(check, now)

    return _standing(await desk.database.run(lambda db: _settle(db, desk, subject, check, answer, now=now)), now)


async def _settle(
    db: Db, desk: Desk, subject: UserSubject, check: AgeCheck, answer: AgeAnswer, *, now: datetime
) -> AgeCheck | None:
    await users.lock_account(db, subject.user_id)
    current = await checks.age_check_of(db, subject)
    if current != check:
        return current

    key = await users.key_of(db, subject, subject.user_id, vault=desk.vault)
    data = await users.data_of(db, subject, subject.user_id, (BIRTH_DATE,), key=key)
    years = ages.years_between(date.fromisoformat(data[BIRTH_DATE]), desk.actions.calendar.day_of(now))
    is_of_age = answer is AgeAnswer.CONFIRMED and years >= desk.age_years_min

    await checks.settle_age_check(db, subject, check.reference, is_of_age=is_of_age, now=now)
    return await checks.age_check_of(db, subject)


def _standing(check: AgeCheck | None, now: datetime) -> AgeStanding:
    return AgeStanding(ages.status_of(check, now), check.settled_at if check else None)
