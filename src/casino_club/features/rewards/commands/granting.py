"""Giving: once for each cause, into the wallet or into what the user holds besides, and the log is told of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import asyncpg

from casino_club.features.actions import public as actions
from casino_club.features.protection import public as protection
from casino_club.features.protection.public import Occasion
from casino_club.features.rewards.events import RewardGranted
from casino_club.features.rewards.rules.amounts import AmountPolicy
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
    amounts: AmountPolicy
    coupon_lasts: timedelta
    granted_alone_max: int = 0
    """Up to this value one member of staff may give something alone."""


async def grant(db: Db, wanted: Grant, *, now: datetime, policy: RewardPolicy) -> Granted:
    """Give a reward once. The same reason and cause again give what they gave then; another reward is refused for them.

    Raises a `Vetoed` where protection lets nothing be given.
    Locks the user in the log: whoever holds other locks has taken that one before.
    """
    [granted] = await grant_all(db, [wanted], now=now, policy=policy)
    return granted


async def grant_all(db: Db, wanted: Sequence[Grant], *, now: datetime, policy: RewardPolicy) -> list[Granted]:
    """The same for several rewards of one user at once. The money among them is one transaction of the ledger."""
    [user_id] = {each.user_id for each in wanted}
    for each in wanted:
        check(each.reward)
        assert REASON.fullmatch(each.reason), each.reason
    await actions.lock_users(db, [user_id])
    before = [await store.made(db, each.reason, each.cause) for each in wanted]
    new = [each for each, known in zip(wanted, before, strict=True) if known is None]
    repeated = {each.cause: _repeated(known, each) for each, known in zip(wanted, before, strict=True) if known}
    if new:
        await protection.admit(db, user_id, Occasion.GRANT, now=now, policy=policy.protection)

    made = {each.cause: await _add(db, each, now=now) for each in new}
    await _pay(db, [each for each in made.values() if each.reward.type in MONEY], now=now, policy=policy)
    others = [each for each in made.values() if each.reward.type not in MONEY]
    for granted in others:
        await _hand_over(db, granted, now=now, policy=policy)

    await actions.append_all(db, [_told(each) for each in others], at=now, policy=policy.wallet.actions)
    return [(made | repeated)[each.cause] for each in wanted]


def _repeated(before: Granted, wanted: Grant) -> Granted:
    if (before.user_id, before.reward) != (wanted.user_id, wanted.reward):
        raise CauseReused
    return replace(before, was_repeated=True)


async def _add(db: Db, wanted: Grant, *, now: datetime) -> Granted:
    try:
        return await store.add(db, wanted, now=now)
    except asyncpg.UniqueViolationError as taken:
        raise Crossed("another transaction granted for the same cause") from taken


async def _pay(db: Db, granted: Sequence[Granted], *, now: datetime, policy: RewardPolicy) -> None:
    if not granted:
        return
    moves = tuple(
        wallet.Give(POCKETS[each.reward.type], each.reward.value, wallet.House.GRANTS, f"reward:{each.id}")
        for each in granted
    )
    await wallet.post(
        db,
        wallet.Order("grant", granted[0].user_id, moves),
        key=wallet.Key("rewards", derived_uuid("reward", granted[0].id)),
        now=now,
        policy=policy.wallet,
        tell=lambda _: [_told(each) for each in granted],
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
