"""The second factor: enrolled with the password, confirmed with a code, shown at every login from then on."""

from dataclasses import dataclass
from datetime import datetime

from casino_club.features.identity.commands.desk import Desk, count_attempt
from casino_club.features.identity.commands.proof import prove_presence
from casino_club.features.identity.rules import limits, totp
from casino_club.features.identity.rules.refusals import (
    CodeNeeded,
    FactorHeld,
    FactorMissing,
    WrongCode,
)
from casino_club.features.identity.store import factors, sessions, users
from casino_club.infra.db.database import Db
from casino_club.infra.tickets import new_recovery_code, new_shared_secret, ticket_digest
from casino_club.kernel.subject import UserSubject

SECRET_FIELD = "totp_secret"  # noqa: S105 - the name of a field


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an app needs to show codes."""

    secret: str
    url: str


async def enrol(desk: Desk, subject: UserSubject, password: str | None, *, now: datetime) -> Enrolment:
    """Begin a second factor. A stolen access token alone does not get that far."""
    await prove_presence(desk, subject, password, now=now)
    secret = new_shared_secret()

    async def save(db: Db) -> Enrolment:
        if not await factors.begin_factor(db, subject):
            raise FactorHeld
        key = await users.key_of(db, subject, subject.user_id, vault=desk.vault)
        await users.save_data(db, subject, key, {SECRET_FIELD: totp.shown_secret(secret)})
        data = await users.data_of(db, subject, subject.user_id, ("email", "nickname"), key=key)
        name = data.get("email", data["nickname"])
        return Enrolment(totp.shown_secret(secret), totp.enrolment_url(secret, name))

    return await desk.database.run(save)


async def confirm(desk: Desk, subject: UserSubject, code: str, *, now: datetime) -> list[str]:
    """The factor counts from now on, in this session too; its recovery codes, shown once."""
    await count_attempt(desk, limits.CODES_OF_USER, str(subject.user_id), now=now)
    codes = [new_recovery_code() for _ in range(totp.RECOVERY_CODES)]

    async def save(db: Db) -> list[str]:
        await users.lock_account(db, subject.user_id)
        step = await _step(db, desk, subject, code, is_confirmed=False, now=now)
        if not await factors.confirm_factor(db, subject, step=step, now=now):
            raise FactorMissing
        await factors.save_recovery_codes(db, subject, [ticket_digest(totp.plain_code(each)) for each in codes])
        await factors.strengthen_session(db, subject)
        return codes

    return await desk.database.run(save)


async def remove(desk: Desk, subject: UserSubject, password: str | None, code: str, *, now: datetime) -> None:
    """Take the factor away; it needs the password and the factor itself."""
    await prove_presence(desk, subject, password, now=now)
    await count_attempt(desk, limits.CODES_OF_USER, str(subject.user_id), now=now)

    async def save(db: Db) -> None:
        await users.lock_account(db, subject.user_id)
        if not await show_factor(db, desk, subject, code, now=now):
            raise FactorMissing
        await factors.remove_factor(db, subject.user_id)
        await sessions.end_sessions(db, subject.user_id, because="second factor removed", now=now)

    await desk.database.run(save)


async def prove(desk: Desk, subject: UserSubject, *, password: str | None, code: str | None, now: datetime) -> None:
    """That this is the user and no stolen token, by a second factor as well if they have one."""
    await prove_presence(desk, subject, password, now=now)
    await count_attempt(desk, limits.CODES_OF_USER, str(subject.user_id), now=now)
    await desk.database.run(lambda db: show_factor(db, desk, subject, code, now=now))


async def show_factor(db: Db, desk: Desk, subject: UserSubject, code: str | None, *, now: datetime) -> bool:
    """Whether the user has a second factor and this is a code of it, now used up. Raises `WrongCode`, `CodeNeeded`."""
    if await factors.last_step_of(db, subject, is_confirmed=True) is None:
        return False
    if code is None:
        raise CodeNeeded
    plain = totp.plain_code(code)
    if len(plain) != totp.DIGITS:
        if not await factors.use_recovery_code(db, subject, ticket_digest(plain)):
            raise WrongCode
        return True
    step = await _step(db, desk, subject, plain, is_confirmed=True, now=now)
    if not await factors.use_step(db, subject, step):
        raise WrongCode
    return True


async def _step(db: Db, desk: Desk, subject: UserSubject, code: str, *, is_confirmed: bool, now: datetime) -> int:
    last_step = await factors.last_step_of(db, subject, is_confirmed=is_confirmed)
    if last_step is None:
        raise FactorMissing
    key = await users.key_of(db, subject, subject.user_id, vault=desk.vault)
    data = await users.data_of(db, subject, subject.user_id, (SECRET_FIELD,), key=key)
    secret = totp.kept_secret(data[SECRET_FIELD])
    step = totp.step_of(secret, totp.plain_code(code), now=now, last_step=last_step)
    if step is None:
        raise WrongCode
    return step
