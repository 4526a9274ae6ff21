"""Sessions: begun by a login, kept up by refresh tokens of which each works once, ended by many things.

The refresh tokens of one session are a family: one that comes a second time was stolen, and ends them all.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from casino_club.features.actions import public as actions
from casino_club.features.identity.commands.desk import Desk, Sender
from casino_club.features.identity.events import LoggedIn
from casino_club.features.identity.rules.people import Account
from casino_club.features.identity.rules.refusals import Banned, SessionMissing, SessionOver
from casino_club.features.identity.rules.sessions import DEVICE_LENGTH_MAX, UNUSED_MAX, session_end
from casino_club.features.identity.store import sessions, users
from casino_club.infra.audit import deeds
from casino_club.infra.db.database import Db
from casino_club.infra.http.access_tokens import MINUTES_MAX, issue_access_token
from casino_club.infra.tickets import new_ticket, ticket_digest
from casino_club.kernel.ids import derived_uuid
from casino_club.kernel.subject import Actor, UserSubject

_log = logging.getLogger(__name__)

BY_HAND = "casino-club keys token"
"""The device of a session that the operator began."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a browser or app gets to go on with."""

    user_id: int
    access_token: str
    access_seconds: int
    refresh_token: str
    refresh_seconds: int


@dataclass(frozen=True, slots=True)
class ListedSession:
    """A session as its user sees it."""

    id: int
    began_at: datetime
    last_used_at: datetime
    ends_at: datetime
    device: str
    is_this_one: bool


async def begin_session(
    db: Db, desk: Desk, account: Account, sender: Sender, *, has_second_factor: bool, now: datetime
) -> Opened:
    """Begin a session of an account that the caller has locked; it is a login. Raises `Banned`."""
    if account.is_banned:
        raise Banned
    subject = UserSubject(account.user_id)
    key = await users.key_of(db, subject, account.user_id, vault=desk.vault)
    ends_at = session_end(account.roles, now)

    device = key.seal("device", sender.device[:DEVICE_LENGTH_MAX])
    session_id = await sessions.add_session(
        db, subject, ends_at=ends_at, device=device, has_second_factor=has_second_factor, now=now
    )
    opened = await _opened(db, desk, account, session_id, has_second_factor=has_second_factor, now=now)

    cause = derived_uuid("identity", "login", session_id)
    await actions.append(db, LoggedIn(account.user_id), at=now, policy=desk.actions, cause=cause)
    return opened


async def issue_token(db: Db, desk: Desk, user_id: int, minutes: int, *, by: Actor, now: datetime) -> str:
    """An access token made by hand, for trying things out. Raises `Banned`.

    It is of a session of its own, so that a log-out, a ban or its user ends it, unless nobody has this number: then
    there is no account to protect.
    """
    account = await users.lock_account(db, user_id)
    session_id = 0 if account is None else await _session_by_hand(db, desk, account, minutes, now=now)

    await deeds.note(db, by, "issue_token", f"user:{user_id}", {"minutes": minutes}, now=now)
    return issue_access_token(desk.token_secret, user_id, now, minutes, session_id=session_id)


async def _session_by_hand(db: Db, desk: Desk, account: Account, minutes: int, *, now: datetime) -> int:
    if account.is_banned:
        raise Banned
    subject = UserSubject(account.user_id)
    key = await users.key_of(db, subject, account.user_id, vault=desk.vault)
    device, ends_at = key.seal("device", BY_HAND), now + timedelta(minutes=minutes)
    return await sessions.add_session(db, subject, ends_at=ends_at, device=device, has_second_factor=False, now=now)


async def refresh(desk: Desk, refresh_token: str, *, now: datetime) -> Opened:
    """The next tokens of a session. Raises `SessionOver`; where the token was used before, the session is over then.

    No grace is given to an app that sends the same token twice: it can't be told from a thief.
    """
    opened = await desk.database.run(lambda db: _rotate(db, desk, ticket_digest(refresh_token), now=now))
    if opened is None:
        raise SessionOver
    return opened


async def _rotate(db: Db, desk: Desk, digest: bytes, *, now: datetime) -> Opened | None:
    session_id = await sessions.use_refresh_token(db, digest, issued_since=now - UNUSED_MAX, now=now)
    if session_id is None:
        await _end_if_stolen(db, digest, now=now)
        return None

    live = await sessions.touch_session(db, session_id, now=now)
    account = None if live is None else await users.account_of(db, UserSubject(live[0]))
    if live is None or account is None or account.is_banned:
        return None

    return await _opened(db, desk, account, session_id, has_second_factor=live[1], now=now)


async def _end_if_stolen(db: Db, digest: bytes, *, now: datetime) -> None:
    found = await sessions.session_of_token(db, digest)
    if found is not None:
        session_id, user_id = found
        await sessions.end_session(db, UserSubject(user_id), session_id, because="refresh token used twice", now=now)
        _log.warning("A refresh token came that was used or too old; session %d has ended", session_id)


async def _opened(
    db: Db, desk: Desk, account: Account, session_id: int, *, has_second_factor: bool, now: datetime
) -> Opened:
    refresh_token = new_ticket()
    await sessions.add_refresh_token(db, session_id, ticket_digest(refresh_token), now=now)
    # Staff without a second factor have no roles; all that is open to them is theirs as users, such as to enrol one.
    roles = account.roles if has_second_factor else frozenset()
    access_token = issue_access_token(desk.token_secret, account.user_id, now, session_id=session_id, roles=roles)
    unused_seconds_max = int(UNUSED_MAX.total_seconds())
    return Opened(account.user_id, access_token, MINUTES_MAX * 60, refresh_token, unused_seconds_max)


async def log_out(db: Db, subject: UserSubject, *, now: datetime) -> None:
    """End the session that asks."""
    await sessions.end_session(db, subject, subject.session_id, because="logged out", now=now)


async def log_out_everywhere(db: Db, subject: UserSubject, *, now: datetime) -> None:
    """End all sessions of who asks."""
    await users.lock_account(db, subject.user_id)
    await sessions.end_sessions(db, subject.user_id, because="logged out everywhere", now=now)


async def revoke_session(db: Db, subject: UserSubject, session_id: int, *, now: datetime) -> None:
    """End one session of one's own. Raises `SessionMissing`."""
    if not await sessions.end_session(db, subject, session_id, because="revoked", now=now):
        raise SessionMissing


async def list_sessions(db: Db, desk: Desk, subject: UserSubject, *, now: datetime) -> list[ListedSession]:
    """One's own sessions that are not over, the latest first."""
    found = await sessions.sessions_of(db, subject, now=now)
    if not found:
        return []
    key = await users.key_of(db, subject, subject.user_id, vault=desk.vault)
    return [
        ListedSession(
            id=each.id,
            began_at=each.began_at,
            last_used_at=each.last_used_at,
            ends_at=each.ends_at,
            device=key.open("device", each.device),
            is_this_one=each.id == subject.session_id,
        )
        for each in found
    ]
