"""Using up what was given: free spins and coupons, in the caller's transaction; coupons also run out by themselves."""

from datetime import datetime
from typing import Final

from casino_club.features.actions import public as actions
from casino_club.features.rewards.events import CouponExpired
from casino_club.features.rewards.rules.refusals import CouponMissing, SpinsMissing
from casino_club.features.rewards.store import granting as store
from casino_club.infra.db.database import Database, Db

COUPONS_AT_ONCE: Final = 200


async def use_free_spin(db: Db, user_id: int, game: str) -> None:
    """Take one of the user's free spins, one for this game first. Raises `SpinsMissing`."""
    await actions.lock_users(db, [user_id])
    if not await store.take_spin(db, user_id, game):
        raise SpinsMissing


async def use_coupon(db: Db, user_id: int, coupon: str, *, now: datetime) -> int:
    """Use the user's coupon of this name that runs out first; its value. Raises `CouponMissing`."""
    await actions.lock_users(db, [user_id])
    value = await store.take_coupon(db, user_id, coupon, now=now)
    if value is None:
        raise CouponMissing
    return value


async def expire_coupons(database: Database, *, now: datetime, policy: actions.ActionPolicy) -> None:
    """End all coupons that have run out, a chunk per transaction."""
    ended = COUPONS_AT_ONCE
    while ended == COUPONS_AT_ONCE:
        ended = await database.run(lambda db: _expire_some(db, now=now, policy=policy))


async def _expire_some(db: Db, *, now: datetime, policy: actions.ActionPolicy) -> int:
    found = await store.run_out(db, now=now, limit=COUPONS_AT_ONCE)
    await actions.lock_users(db, {each.user_id for each in found})

    ended = await store.expire(db, [each.reward_id for each in found], now=now)

    events = [CouponExpired(each.user_id, each.reward_id, each.coupon) for each in found if each.reward_id in ended]
    await actions.append_all(db, events, at=now, policy=policy)
    return len(found)
