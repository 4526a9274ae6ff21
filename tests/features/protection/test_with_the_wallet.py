"""A round as games play it: let in, staked, won and given back in one transaction, or nothing of it at all."""

import asyncio
from contextlib import suppress

import pytest

from casino_club.features.actions import public as actions
from casino_club.features.protection import public as protection
from casino_club.features.protection.public import LimitReached, Occasion
from casino_club.features.wallet import public as wallet
from casino_club.features.wallet.public import Give, House, InsufficientFunds, Order, Pocket, Take
from casino_club.infra.db.database import Db
from casino_club.kernel.money import Currency
from tests.builders.actions import NOON
from tests.features.protection.guarding import COINS_DAY, Guard
from tests.features.wallet.purse import Purse, a_key, a_wallet_policy


async def play(guard: Guard, *, stake: int, won: int) -> None:
    key = a_key()

    async def work(db: Db) -> None:
        await actions.lock_users(db, [guard.user_id])
        admission = await protection.admit(
            db, guard.user_id, Occasion.BET, stake, currency=Currency.COIN, now=NOON, policy=guard.policy
        )
        staked, returned = Take(Currency.COIN, stake, House.GAMES), Give(Pocket.COINS, won, House.GAMES, "a round")
        order = Order("slot_round", guard.user_id, (staked, returned) if won else (staked,))
        await wallet.post(db, order, key=key, now=NOON, policy=a_wallet_policy())
        await protection.settle(db, admission, won, policy=guard.policy)

    await guard.run(work)


@pytest.fixture
async def purse(guard: Guard) -> Purse:
    purse = Purse(guard.database, a_wallet_policy())
    await purse.post(Give(Pocket.COINS, 100, House.GRANTS, "welcome"), user_id=guard.user_id)
    return purse


async def test_what_a_round_loses_is_what_the_wallet_has_lost(guard: Guard, purse: Purse) -> None:
    await play(guard, stake=60, won=0)
    await play(guard, stake=10, won=30)

    assert await guard.used(COINS_DAY) == 40
    assert await purse.holds(guard.user_id) == {Pocket.COINS: 60}


async def test_a_stake_that_the_wallet_refuses_is_not_counted(guard: Guard, purse: Purse) -> None:
    with pytest.raises(InsufficientFunds):
        await play(guard, stake=101, won=0)

    assert await guard.used(COINS_DAY) == 0


async def test_a_stake_that_a_limit_refuses_is_not_taken(guard: Guard, purse: Purse) -> None:
    await guard.limit(COINS_DAY, 50)

    with pytest.raises(LimitReached):
        await play(guard, stake=51, won=0)

    assert await purse.holds(guard.user_id) == {Pocket.COINS: 100}


async def test_rounds_and_limits_at_once_end_with_what_both_sides_say(guard: Guard, purse: Purse) -> None:
    async def one(number: int) -> None:
        if number % 10 == 0:
            await guard.limit(COINS_DAY, 60 - number // 2)
        with suppress(LimitReached, InsufficientFunds):
            await play(guard, stake=3, won=number % 3)

    await asyncio.gather(*(one(number) for number in range(60)))

    held = (await purse.holds(guard.user_id))[Pocket.COINS]
    assert 0 < await guard.used(COINS_DAY) == 100 - held <= 60
