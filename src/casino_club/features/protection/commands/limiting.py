"""The limits and reality checks that users set themselves."""

from dataclasses import dataclass
from datetime import datetime

from casino_club.features.actions import public as actions
from casino_club.features.protection.commands.admitting import ProtectionPolicy, lock
from casino_club.features.protection.commands.history import By
from casino_club.features.protection.events import LimitSet
from casino_club.features.protection.rules.limits import Limit, Raise, check_limit, confirmed, raise_to
from casino_club.features.protection.rules.refusals import RaiseMissing
from casino_club.features.protection.store import protections
from casino_club.features.protection.store.protections import Protection
from casino_club.infra.db.database import Db
from casino_club.kernel.clock import to_us


@dataclass(frozen=True, slots=True)
class LimitHeld:
    """A limit as it holds now, and the raise that waits, if one does."""

    limit: Limit
    amount: int | None
    waiting: Raise | None


async def set_limit(
    db: Db, user_id: int, limit: Limit, amount: int | None, *, now: datetime, policy: ProtectionPolicy
) -> LimitHeld:
    """Set a limit, or take it away if there is no amount: a stricter one at once, a looser one once it is confirmed."""
    check_limit(limit, amount)
    current = await _held(db, user_id, limit)

    waiting = raise_to(amount, current=current, now=now)

    if waiting is None:
        return await _hold(db, user_id, limit, amount, now=now, policy=policy)
    await protections.save_raise(db, user_id, limit, waiting)
    await _note(db, user_id, "raise_asked", limit, amount=amount, until=waiting.due_at, now=now)
    return LimitHeld(limit, current, waiting)


async def confirm_raise(db: Db, user_id: int, limit: Limit, *, now: datetime, policy: ProtectionPolicy) -> LimitHeld:
    """Let a higher limit hold whose wait is over."""
    await _held(db, user_id, limit)

    amount = confirmed((await protections.raises_of(db, user_id)).get(limit), now=now)

    return await _hold(db, user_id, limit, amount, now=now, policy=policy)


async def drop_raise(db: Db, user_id: int, limit: Limit, *, now: datetime) -> None:
    """Give a higher limit up that waits."""
    await _held(db, user_id, limit)

    if not await protections.drop_raise(db, user_id, limit):
        raise RaiseMissing
    await _note(db, user_id, "raise_dropped", limit, amount=None, until=None, now=now)


async def _held(db: Db, user_id: int, limit: Limit) -> int | None:
    return (await _held_by(db, user_id)).caps.get(limit)


async def _held_by(db: Db, user_id: int) -> Protection:
    await actions.lock_users(db, [user_id])
    return await lock(db, user_id)


async def _hold(
    db: Db, user_id: int, limit: Limit, amount: int | None, *, now: datetime, policy: ProtectionPolicy
) -> LimitHeld:
    await protections.save_cap(db, user_id, limit, amount)
    await _note(db, user_id, "limit_set", limit, amount=amount, until=None, now=now)

    await actions.append(db, LimitSet(user_id, limit.name), at=now, policy=policy.actions)
    return LimitHeld(limit, amount, None)


async def _note(
    db: Db, user_id: int, change: str, limit: Limit, *, amount: int | None, until: datetime | None, now: datetime
) -> None:
    await protections.note_change(db, user_id, change, limit.name, by=By.USER, at=now, amount=amount, until=until)


async def set_reality_check(db: Db, user_id: int, minutes: int | None, *, now: datetime) -> None:
    """Choose how often to be told how long one has played; never, without minutes."""
    await _held_by(db, user_id)

    await protections.save_reality_minutes(db, user_id, minutes)
    await protections.note_change(db, user_id, "reality_check_set", "reality_check", by=By.USER, at=now, amount=minutes)


async def see_reality_check(db: Db, user_id: int, *, now: datetime) -> None:
    """Note that the user has seen a reality check; the next is due after another interval."""
    await _held_by(db, user_id)

    await protections.save_reality_seen(db, user_id, at_us=to_us(now))
