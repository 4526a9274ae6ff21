"""Proof that whoever holds an access token is still its user: their password, or else a login of just now."""

from datetime import datetime

from casino_club.features.identity.commands.desk import Desk, count_attempt
from casino_club.features.identity.rules import limits
from casino_club.features.identity.rules.details import plain_password
from casino_club.features.identity.rules.people import Account
from casino_club.features.identity.rules.refusals import FreshLoginNeeded, WrongCredentials
from casino_club.features.identity.rules.sessions import FRESH_MAX
from casino_club.features.identity.store import sessions, users
from casino_club.kernel.subject import UserSubject


async def prove_presence(desk: Desk, subject: UserSubject, password: str | None, *, now: datetime) -> Account:
    """The subject's account. Raises `WrongCredentials`, or `FreshLoginNeeded` where there is no password to show."""
    await count_attempt(desk, limits.PASSWORD_CHANGES, str(subject.user_id), now=now)
    async with desk.database.connection() as db:
        known = await users.account_of(db, subject)
        began_at = await sessions.session_began_at(db, subject)

    if known.password_hash is None:
        if began_at is None or began_at < now - FRESH_MAX:
            raise FreshLoginNeeded
    elif password is None or not await desk.passwords.fits(plain_password(password), known.password_hash):
        raise WrongCredentials
    return known
