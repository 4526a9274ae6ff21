"""Signing up, logging in, changing the password, and the profile."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from casino_club.features.actions import public as actions
from casino_club.features.identity.commands.desk import Desk, Sender, attempt_key, count_attempt
from casino_club.features.identity.commands.factors import show_factor
from casino_club.features.identity.commands.proof import prove_presence
from casino_club.features.identity.commands.sessions import Opened, begin_session
from casino_club.features.identity.events import SignedUp
from casino_club.features.identity.rules import limits
from casino_club.features.identity.rules.details import (
    check_new_password,
    plain_email,
    plain_nickname,
    plain_password,
)
from casino_club.features.identity.rules.oidc import Newcomer
from casino_club.features.identity.rules.people import Account, UserFacts
from casino_club.features.identity.rules.refusals import EmailHeld, EmailTaken, InvalidDetails, WrongCredentials
from casino_club.features.identity.rules.sessions import check_changes
from casino_club.features.identity.store import attempts, bars, sessions, users
from casino_club.infra.db.database import Db
from casino_club.kernel.subject import UserSubject

EMAIL_KIND = "email"


@dataclass(frozen=True, slots=True)
class NewUser:
    """What somebody signs up with."""

    nickname: str
    email: str
    password: str


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of a user, readable."""

    facts: UserFacts
    nickname: str
    email: str | None


async def sign_up(desk: Desk, wanted: NewUser, sender: Sender, *, now: datetime) -> Opened:
    """A new user, logged in. Raises `EmailTaken`, after as much work as for a free address."""
    await count_attempt(desk, limits.SIGN_UPS_FROM_ADDRESS, sender.address, now=now)
    user, password_hash = await prepare(desk, wanted)

    async def save(db: Db) -> Opened:
        user_id = await add_user(db, desk, user, password_hash, now=now)
        account = await users.lock_account(db, user_id)
        assert account is not None
        return await begin_session(db, desk, account, sender, has_second_factor=False, now=now)

    return await desk.database.run(save)


async def prepare(desk: Desk, wanted: NewUser) -> tuple[NewUser, str]:
    """The user in plain spelling and the hash of their password. Raises `InvalidDetails`."""
    user = NewUser(plain_nickname(wanted.nickname), plain_email(wanted.email), plain_password(wanted.password))
    check_new_password(user.password, email=user.email, nickname=user.nickname)
    return user, await desk.passwords.hash(user.password)


async def add_user(db: Db, desk: Desk, user: NewUser, password_hash: str, *, now: datetime) -> int:
    """A user with a data key of their own, under which the rest is sealed; their id."""
    email_hash = desk.vault.lookup(EMAIL_KIND, user.email)
    # That somebody has excluded themselves is nobody's business: their address is simply not free yet.
    if await bars.is_barred(db, [email_hash], now=now):
        raise EmailTaken
    user_id = await users.add_user(db, email_hash=email_hash, password_hash=password_hash, now=now)

    await _save_person(db, desk, user_id, {"nickname": user.nickname, "email": user.email})

    await actions.append(db, SignedUp(user_id), at=now, policy=desk.actions)
    return user_id


async def add_newcomer(db: Db, desk: Desk, newcomer: Newcomer, *, now: datetime) -> int:
    """A user whom an identity provider brings, without a password; their id. Raises `EmailHeld`."""
    email_hash = desk.vault.lookup(EMAIL_KIND, newcomer.email) if newcomer.email else None
    # Even an address that the provider has not proven must not become a second account in silence.
    if email_hash is not None and await users.account_by_email(db, email_hash) is not None:
        raise EmailHeld
    if email_hash is not None and await bars.is_barred(db, [email_hash], now=now):
        raise EmailHeld
    try:
        kept_hash = email_hash if newcomer.is_email_proven else None
        user_id = await users.add_user(db, email_hash=kept_hash, password_hash=None, now=now)
    except EmailTaken:
        raise EmailHeld from None

    person = {"nickname": newcomer.nickname or f"User {user_id}"}
    await _save_person(db, desk, user_id, {**person, "email": newcomer.email} if newcomer.email else person)

    await actions.append(db, SignedUp(user_id), at=now, policy=desk.actions)
    return user_id


async def _save_person(db: Db, desk: Desk, user_id: int, person: Mapping[str, str]) -> None:
    key, wrapped = desk.vault.new_key(user_id)
    await users.add_key(db, user_id, wrapped)
    await users.save_data(db, UserSubject(user_id), key, person)


async def find_by_email(db: Db, desk: Desk, email: str) -> int | None:
    """Whose address this is. For the operator alone: over HTTP it would tell who is a user."""
    known = await users.account_by_email(db, desk.vault.lookup(EMAIL_KIND, plain_email(email)))
    return None if known is None else known.user_id


@dataclass(frozen=True, slots=True)
class Login:
    """What somebody logs in with. `code` is of their second factor, if they have one."""

    email: str
    password: str
    code: str | None = None


async def log_in(desk: Desk, login: Login, sender: Sender, *, now: datetime) -> Opened:
    """A session for who knows the password. An unknown address costs as much time and gets the same answer."""
    email = plain_email(login.email)
    await count_attempt(desk, limits.LOGINS_FROM_ADDRESS, sender.address, now=now)
    await count_attempt(desk, limits.LOGINS_OF_ACCOUNT, email, now=now)
    async with desk.database.connection() as db:
        known = await users.account_by_email(db, desk.vault.lookup(EMAIL_KIND, email))

    fits = await desk.passwords.fits(plain_password(login.password), known.password_hash if known else None)
    if known is None or not fits:
        raise WrongCredentials

    renewed = await _renewed(desk, known, login.password)

    async def enter(db: Db) -> Opened:
        opened = await _enter(db, desk, known, login.code, sender, now=now)
        if renewed is not None:
            await users.set_password(db, UserSubject(known.user_id), renewed)
        await attempts.forget_attempt(db, attempt_key(desk, limits.LOGINS_OF_ACCOUNT, email))
        return opened

    return await desk.database.run(enter)


async def _renewed(desk: Desk, known: Account, password: str) -> str | None:
    """The password hashed as it is decided today, if it was not; only a login has it at hand."""
    if known.password_hash is None or not desk.passwords.is_outdated(known.password_hash):
        return None
    return await desk.passwords.hash(plain_password(password))


async def _enter(db: Db, desk: Desk, known: Account, code: str | None, sender: Sender, *, now: datetime) -> Opened:
    account = await users.lock_account(db, known.user_id)
    # Somebody may have changed the password while this one was being hashed.
    if account is None or account.password_hash != known.password_hash:
        raise WrongCredentials
    has_second_factor = await show_factor(db, desk, UserSubject(account.user_id), code, now=now)

    return await begin_session(db, desk, account, sender, has_second_factor=has_second_factor, now=now)


async def change_password(desk: Desk, subject: UserSubject, current: str | None, new: str, *, now: datetime) -> None:
    """Another password, or a first one, and the end of every other session."""
    known = await prove_presence(desk, subject, current, now=now)
    if not known.has_email:
        raise InvalidDetails("A password needs an e-mail address to log in with, and your account has none.")
    async with desk.database.connection() as db:
        profile = await read_profile(db, desk, subject, subject.user_id)
    new = plain_password(new)
    check_new_password(new, email=profile.email or "", nickname=profile.nickname)
    password_hash = await desk.passwords.hash(new)

    await desk.database.run(lambda db: _save_password(db, subject, known, password_hash, now=now))


async def _save_password(db: Db, subject: UserSubject, known: Account, password_hash: str, *, now: datetime) -> None:
    account = await users.lock_account(db, subject.user_id)
    if account is None or account.password_hash != known.password_hash:
        raise WrongCredentials
    await users.set_password(db, subject, password_hash)
    await sessions.end_sessions(db, subject.user_id, because="password changed", now=now, except_id=subject.session_id)


async def read_profile(db: Db, desk: Desk, subject: UserSubject, user_id: int) -> Profile:
    """A user's profile, for themselves and for staff who may. Raises `UserMissing` for all others."""
    facts = await users.facts_of(db, subject, user_id)
    key = await users.key_of(db, subject, user_id, vault=desk.vault)
    data = await users.data_of(db, subject, user_id, ("nickname", "email"), key=key)
    return Profile(facts, data["nickname"], data.get("email"))


async def rename(db: Db, desk: Desk, subject: UserSubject, user_id: int, nickname: str) -> Profile:
    """Another nickname for oneself."""
    check_changes(subject, user_id)
    key = await users.key_of(db, subject, user_id, vault=desk.vault)
    await users.save_data(db, subject, key, {"nickname": plain_nickname(nickname)})
    return await read_profile(db, desk, subject, user_id)
