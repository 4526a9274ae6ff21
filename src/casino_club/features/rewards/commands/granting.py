"""Giving: once for each cause, into the wallet or into what the user holds besides, and the log is told of it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import asyncpg

from casino_club.features.actions import public as actions
from casino_club.features.protection import public as protection
from casino_club.features.protection.public import Occasion
from casino_club.features.rewards.events import RewardGranted
from casino_club.features.rewards.rules.refusals import CauseReused
from casino_club.features.rewards.rules.rewards import MONEY, REASON, Grant, Granted, RewardType, check
from casino_club.features.rewards.store import granting as store
from casino_club.features.wallet import public as wallet
from casino_club.infra.db.database import Crossed, Db
from casino_club.kernel.ids import derived_uuid

POCKETS: Final = {
    RewardType.COIN: wallet.Pocket.COINS,
    RewardType.GEM: wallet.Pocket.PENDING_GEMS,
    RewardType.CYBER_TOKEN: wallet.Pocket.APP_TOKENS,
}
"""Where money goes. Gems wait until they are claimed."""


@dataclass(frozen=True, slots=True)
class RewardPolicy:
    """What decides about rewards, and about the money among them."""

    wallet: wallet.WalletPolicy
    protection: protection.ProtectionPolicy
    coupon_lasts: timedelta
    granted_alone_max: int = 0
    """Up to this value one member of staff may give something alone."""


async def grant(db: Db, wanted: Grant, *, now: datetime, policy: RewardPolicy) -> Granted:
    """Give a reward once. The same reason and cause again give what they gave then; another reward is refused for them.

    Raises a `Vetoed` where protection lets nothing be given.
    Locks the user in the log: whoever holds other locks has taken that one before.
    """
    check(wanted.reward)
    assert REASON.fullmatch(wanted.reason), wanted.reason
    await actions.lock_users(db, [wanted.user_id])
    if before := await store.made(db, wanted.reason, wanted.cause):
        return _repeated(before, wanted)
    await protection.admit(db, wanted.user_id, Occasion.GRANT, now=now, policy=policy.protection)

    try:
        granted = await store.add(db, wanted, now=now)
    except asyncpg.UniqueViolationError as taken:
        raise Crossed("another transaction granted for the same cause") from taken

    if granted.reward.type in MONEY:
        await _pay(db, granted, now=now, policy=policy)
    else:
        await _hand_over(db, granted, now=now, policy=policy)
        await actions.append(db, _told(granted), at=now, policy=policy.wallet.actions)
    return granted


def _repeated(before: Granted, wanted: Grant) -> Granted:
    if (before.user_id, before.reward) != (wanted.user_id, wanted.reward):
        raise CauseReused
    return replace(before, was_repeated=True)


async def _pay(db: Db, granted: Granted, *, now: datetime, policy: RewardPolicy) -> None:
    reward = granted.reward
    move = wallet.Give(POCKETS[reward.type], reward.value, wallet.House.GRANTS, f"reward:{granted.id}")
    await wallet.post(
        db,
        wallet.Order("grant", granted.user_id, (move,)),
        key=wallet.Key("rewards", derived_uuid("reward", granted.id)),
        now=now,
        policy=policy.wallet,
        tell=lambda _: [_told(granted)],
    )


async def _hand_over(db: Db, granted: Granted, *, now: datetime, policy: RewardPolicy) -> None:
    """What is kept here. XP and content are known by the history and the log, to those who deal with them."""
    match granted.reward.type:
        case RewardType.BADGE:
            await store.add_badge(db, granted.user_id, granted.reward.reference, now=now)
        case RewardType.COUPON:
            await store.add_coupon(db, granted, expires_at=now + policy.coupon_lasts)
        case RewardType.FREE_SPIN:
            await store.add_spins(db, granted.user_id, granted.reward.reference, granted.reward.value)


def _told(granted: Granted) -> RewardGranted:
    reward = granted.reward
    return RewardGranted(
        granted.user_id, granted.id, reward.type, reward.value, reward.reference or None, granted.reason
    )
