"""Free coins: reading what there is, and taking it, once a while."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from casino_club.features.actions import public as actions
from casino_club.features.games.commands.desk import GameDesk
from casino_club.features.games.events import FreeCoinsClaimed
from casino_club.features.games.rules import free_coins as rules
from casino_club.features.games.rules.free_coins import FreeCoins
from casino_club.features.games.store import free_coins as store
from casino_club.features.protection import public as protection
from casino_club.features.protection.public import Occasion
from casino_club.features.rewards import public as rewards
from casino_club.features.wallet import public as wallet
from casino_club.features.wallet.public import Give, House, Key, Order, Pocket
from casino_club.infra.db.database import Db
from casino_club.kernel.clock import to_us
from casino_club.kernel.ids import derived_uuid
from casino_club.kernel.money import Currency

KIND: Final = "free_coins"
"""As the policy of amounts names them."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """Coins that were taken, what the user has with them, and when there are more."""

    coins: int
    balance: int
    next_at: datetime


@dataclass(frozen=True, slots=True)
class Offered:
    """How many coins the user may have, and from when on; None is now."""

    coins: int
    next_at: datetime | None


async def claim(db: Db, desk: GameDesk, user_id: int, *, now: datetime) -> Claimed:
    """Take what there is. Raises what stands against it; of two at once one takes."""
    await actions.lock_users(db, [user_id])
    last_at = await store.taken_at(db, user_id)
    held = await wallet.held_by(db, user_id)

    coins = rules.check_due(await _policy_for(db, desk, user_id, now=now), held[Pocket.COINS], last_at, now)
    await protection.admit(db, user_id, Occasion.GRANT, now=now, policy=desk.protection)

    await store.take(db, user_id, at=now)
    before_us = 0 if last_at is None else to_us(last_at)
    key = Key("free_coins", derived_uuid("free_coins", user_id, before_us))
    posted = await wallet.post(
        db,
        Order("free_coins", user_id, (Give(Pocket.COINS, coins, House.GRANTS, f"free_coins:{key.key}"),)),
        key=key,
        now=now,
        policy=desk.wallet,
        tell=lambda _: [FreeCoinsClaimed(user_id, Currency.COIN)],
    )
    assert not posted.was_repeated, "free coins were given that nobody kept"
    return Claimed(coins, posted.balance(Currency.COIN), now + desk.free_coins.every)


async def offered(db: Db, desk: GameDesk, user_id: int, *, now: datetime) -> Offered:
    """What there is for this user. Locks them in the log, then protection."""
    policy = await _policy_for(db, desk, user_id, now=now)
    held = await wallet.held_by(db, user_id)
    due_at = rules.next_at(policy, await store.taken_at(db, user_id))
    return Offered(rules.to_give(policy, held[Pocket.COINS]), due_at)


async def _policy_for(db: Db, desk: GameDesk, user_id: int, *, now: datetime) -> FreeCoins:
    """As many at once as rewards say for this user."""
    due = await rewards.amount_due(db, user_id, KIND, now=now, policy=desk.rewards)
    return replace(desk.free_coins, coins=due.amount)
