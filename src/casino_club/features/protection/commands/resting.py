"""Pausing, excluding oneself, closing, and coming back: stricter at once, looser after a wait and a second word."""

from collections.abc import Callable
from datetime import datetime, timedelta

from casino_club.features.actions import public as actions
from casino_club.features.identity import public as identity
from casino_club.features.protection.commands.admitting import ProtectionPolicy, lock
from casino_club.features.protection.commands.history import By, Changing, save
from casino_club.features.protection.rules import standing as rules
from casino_club.features.protection.rules.refusals import ChosenByUser
from casino_club.features.protection.rules.standing import Standing, Status
from casino_club.features.protection.store import protections
from casino_club.infra.audit import deeds
from casino_club.infra.db.database import Db
from casino_club.kernel.subject import UserSubject


async def pause(db: Db, user_id: int, *, hours: int, now: datetime, policy: ProtectionPolicy) -> Standing:
    """Pause the user's play for so many hours; then they confirm their return."""
    until = now + timedelta(hours=hours)
    return await _restrict(db, Changing(user_id, By.USER, now, policy), Status.PAUSED, until)


async def exclude(db: Db, user_id: int, *, months: int, now: datetime, policy: ProtectionPolicy) -> Standing:
    """Exclude the user from play for so many months."""
    until = rules.months_later(now, months)
    return await _restrict(db, Changing(user_id, By.USER, now, policy), Status.EXCLUDED, until)


async def close(db: Db, user_id: int, *, now: datetime, policy: ProtectionPolicy) -> Standing:
    """Close the user's account to play for good, and log them out everywhere."""
    return await _restrict(db, Changing(user_id, By.USER, now, policy), Status.CLOSED, None)


async def impose(
    db: Db,
    user_id: int,
    status: Status,
    *,
    days: int | None,
    because: str,
    by: UserSubject,
    now: datetime,
    policy: ProtectionPolicy,
) -> Standing:
    """Staff put a user under a stricter status, for so many days at least."""
    until = rules.imposed_until(status, days, now=now)
    imposed = await _restrict(db, Changing(user_id, By.STAFF, now, policy), status, until)

    how = {"status": status.word, "days": days, "because": because}
    await deeds.note(db, by, "impose_protection", f"user:{user_id}", how, now=now)
    return imposed


async def release(
    db: Db, user_id: int, *, because: str, by: UserSubject, now: datetime, policy: ProtectionPolicy
) -> Standing:
    """Take back the time that staff set; the user still has to ask for a return and to confirm it."""
    changing = Changing(user_id, By.STAFF, now, policy)
    await actions.lock_users(db, [user_id])
    before = (await lock(db, user_id)).standing
    own_until = await protections.own_until(db, user_id)

    after = rules.released(before, own_until=own_until, now=now)
    if not await protections.was_imposed(db, user_id, before.status):
        raise ChosenByUser

    await save(db, changing, "released", before, after)

    await deeds.note(db, by, "release_protection", f"user:{user_id}", {"because": because}, now=now)
    return after


async def _restrict(db: Db, changing: Changing, to: Status, until: datetime | None) -> Standing:
    restricted = await _change(db, changing, to.word, lambda standing: rules.restricted(standing, to, until=until))
    if to is Status.CLOSED:
        await identity.end_sessions(db, changing.user_id, because="closed", now=changing.now)
    return restricted


async def ask_return(db: Db, user_id: int, *, now: datetime, policy: ProtectionPolicy) -> Standing:
    """Ask for a return, which can be confirmed after the wait."""
    changing = Changing(user_id, By.USER, now, policy)
    return await _change(db, changing, "return_asked", lambda standing: rules.with_return_asked(standing, now=now))


async def drop_return(db: Db, user_id: int, *, now: datetime, policy: ProtectionPolicy) -> Standing:
    """Take the wish to return back."""
    return await _change(db, Changing(user_id, By.USER, now, policy), "return_dropped", rules.with_return_dropped)


async def confirm_return(db: Db, user_id: int, *, now: datetime, policy: ProtectionPolicy) -> Standing:
    """Confirm a return whose wait is over."""
    changing = Changing(user_id, By.USER, now, policy)
    return await _change(db, changing, "returned", lambda standing: rules.returned(standing, now=now))


async def _change(db: Db, changing: Changing, change: str, decide: Callable[[Standing], Standing]) -> Standing:
    await actions.lock_users(db, [changing.user_id])
    before = (await lock(db, changing.user_id)).standing

    after = decide(before)

    return before if after == before else await save(db, changing, change, before, after)
