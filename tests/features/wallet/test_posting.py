"""Orders carried out on a real database."""

import asyncio
import json

import asyncpg
import pytest

from casino_club.features.wallet.rules.accounts import House, Pocket
from casino_club.features.wallet.rules.orders import Claim, Give, Take
from casino_club.features.wallet.rules.refusals import (
    AlreadyCorrected,
    InsufficientFunds,
    KeyReused,
    LotMissing,
    TransactionMissing,
)
from casino_club.infra.db.database import Database
from casino_club.kernel.ids import derived_uuid
from casino_club.kernel.money import Currency
from tests.builders.actions import a_log
from tests.features.wallet.purse import Purse, a_key, a_wallet_policy

COINS = Give(Pocket.COINS, 1_000, House.GRANTS, "welcome")
STAKE = Take(Currency.COIN, 100, House.GAMES)
CASH = Give(Pocket.CASH_TOKENS, 50, House.PAYMENTS, "payment 1")
PARTNER = Give(Pocket.PARTNER_TOKENS, 30, House.PARTNER, "event 1")


@pytest.fixture
async def purse(database: Database) -> Purse:
    await a_log(database).make_room()
    return Purse(database, a_wallet_policy())


async def test_what_a_user_receives_can_be_spent_and_nothing_more(purse: Purse) -> None:
    await purse.post(COINS)
    posted = await purse.post(STAKE, STAKE)

    assert posted.balance(Currency.COIN) == 800
    assert await purse.holds() == {Pocket.COINS: 800}
    with pytest.raises(InsufficientFunds):
        await purse.post(Take(Currency.COIN, 801, House.GAMES))
    assert await purse.holds() == {Pocket.COINS: 800}


async def test_the_same_key_a_hundred_times_at_once_has_one_effect(purse: Purse) -> None:
    await purse.post(COINS)

    posted = await asyncio.gather(*(purse.post(STAKE, key=a_key("one")) for _ in range(100)))

    assert len({each.tx_id for each in posted}) == 1
    assert sum(not each.was_repeated for each in posted) == 1
    assert await purse.holds() == {Pocket.COINS: 900}


async def test_a_key_stands_for_one_order_for_ever(purse: Purse) -> None:
    await purse.post(COINS, key=a_key("one"))

    with pytest.raises(KeyReused):
        await purse.post(Give(Pocket.COINS, 1_001, House.GRANTS, "welcome"), key=a_key("one"))


async def test_two_bets_on_the_last_coin_are_one_bet(purse: Purse) -> None:
    await purse.post(Give(Pocket.COINS, 100, House.GRANTS, "welcome"))

    results = await asyncio.gather(*(purse.post(STAKE) for _ in range(20)), return_exceptions=True)

    assert sum(isinstance(result, InsufficientFunds) for result in results) == 19
    assert await purse.holds() == {}


async def test_the_log_is_told_of_tokens_with_the_balance_after_them(purse: Purse) -> None:
    round_id = derived_uuid("a round")
    await purse.post(PARTNER)
    await purse.post(CASH)
    await purse.post(
        Take(Currency.CYBER_TOKEN, 40, House.GAMES),
        Give(Pocket.APP_TOKENS, 70, House.GAMES, "round 1"),
        round_id=round_id,
    )

    told = [(action_type, json.loads(metadata)) for action_type, metadata in await purse.told()]
    assert told == [
        ("EARN_CYBER_TOKENS", {"earned_tokens": 30, "source": "partner", "token_balance": 30}),
        ("EARN_CYBER_TOKENS", {"earned_tokens": 50, "source": "cash", "token_balance": 80}),
        (
            "SPEND_CYBER_TOKENS",
            {"spent_tokens": 40, "partner_tokens": 30, "token_balance": 40, "round_id": str(round_id)},
        ),
        (
            "EARN_CYBER_TOKENS",
            {"earned_tokens": 70, "source": "app", "token_balance": 110, "round_id": str(round_id)},
        ),
    ]


async def test_what_the_house_gives_is_nothing_that_the_user_earned(purse: Purse) -> None:
    await purse.post(
        Give(Pocket.APP_TOKENS, 5, House.GRANTS, "grant 1"), Give(Pocket.APP_TOKENS, 7, House.GAMES, "round 1")
    )

    told = [(action_type, json.loads(metadata)) for action_type, metadata in await purse.told()]
    assert told == [
        ("CYBER_TOKENS_GRANTED", {"granted_tokens": 5, "token_balance": 5}),
        ("EARN_CYBER_TOKENS", {"earned_tokens": 7, "source": "app", "token_balance": 12}),
    ]


async def test_what_came_in_may_be_spent_in_the_same_order_and_the_log_never_reads_below_zero(purse: Purse) -> None:
    await purse.post(PARTNER, Take(Currency.CYBER_TOKEN, 30, House.GOODS))
    await purse.post(Give(Pocket.PENDING_GEMS, 10, House.GRANTS, "grant 1"), Claim(10, "grant 1"))

    told = [(action_type, json.loads(metadata)) for action_type, metadata in await purse.told()]
    assert [(action_type, held.get("token_balance", held.get("pending_gems"))) for action_type, held in told] == [
        ("EARN_CYBER_TOKENS", 30),
        ("SPEND_CYBER_TOKENS", 0),
        ("GEMS_GRANTED", 10),
        ("GEMS_CLAIMED", 0),
    ]


async def test_granted_gems_wait_until_they_are_claimed(purse: Purse) -> None:
    await purse.post(Give(Pocket.PENDING_GEMS, 10, House.GRANTS, "grant 1"))
    with pytest.raises(InsufficientFunds):
        await purse.post(Take(Currency.GEM, 1, House.GOODS))

    claimed = await purse.post(Claim(4, "grant 1"))

    assert claimed.pending_gems == 6
    assert await purse.holds() == {Pocket.PENDING_GEMS: 6, Pocket.FREE_GEMS: 4}
    assert [json.loads(metadata) for _, metadata in await purse.told()] == [
        {"gems": 10, "pending_gems": 10},
        {"gems": 4, "pending_gems": 6},
    ]


async def test_a_refund_takes_back_the_very_lot_and_what_is_left_of_it_only(purse: Purse) -> None:
    await purse.post(CASH)
    await purse.post(Give(Pocket.CASH_TOKENS, 20, House.PAYMENTS, "payment 2"))
    await purse.post(Take(Currency.CYBER_TOKEN, 15, House.GOODS))

    refunded = await purse.refund(Pocket.CASH_TOKENS, "payment 1", key=a_key("refund"))

    assert refunded.taken_from(Pocket.CASH_TOKENS) == 35
    assert await purse.holds() == {Pocket.CASH_TOKENS: 20}
    again = await purse.refund(Pocket.CASH_TOKENS, "payment 1", key=a_key("refund"))
    assert again.was_repeated
    assert (await purse.refund(Pocket.CASH_TOKENS, "payment 1")).taken_from(Pocket.CASH_TOKENS) == 0
    with pytest.raises(LotMissing):
        await purse.refund(Pocket.CASH_TOKENS, "payment 3")


async def test_a_correction_undoes_a_transaction_once(purse: Purse) -> None:
    await purse.post(PARTNER)
    spent = await purse.post(Take(Currency.CYBER_TOKEN, 12, House.GOODS))

    await purse.correct(spent.tx_id)

    assert await purse.holds() == {Pocket.PARTNER_TOKENS: 30}
    assert (await purse.told())[-1] == ("CYBER_TOKENS_CORRECTED", '{"tokens": 12, "token_balance": 30}')
    with pytest.raises(AlreadyCorrected):
        await purse.correct(spent.tx_id)
    with pytest.raises(TransactionMissing):
        await purse.correct(spent.tx_id + 1_000)


@pytest.mark.parametrize("table", ["ledger_txs", "ledger_entries"])
@pytest.mark.parametrize("act", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
async def test_the_ledger_can_be_appended_to_and_nothing_else(purse: Purse, table: str, act: str) -> None:
    await purse.post(COINS)
    column = "user_id" if table == "ledger_txs" else "amount"

    async with purse.database.connection() as db:
        with pytest.raises(asyncpg.RestrictViolationError):
            await db.execute(act.format(table, column, column))


async def test_users_who_play_at_once_never_wait_for_each_other_for_good(purse: Purse) -> None:
    await asyncio.gather(*(purse.post(COINS, user_id=user_id) for user_id in range(1, 41)))

    won = Give(Pocket.COINS, 50, House.GAMES, "round")
    await asyncio.gather(*(purse.post(STAKE, won, user_id=user_id) for user_id in range(1, 41) for _ in range(5)))

    assert {tuple((await purse.holds(user_id)).items()) for user_id in range(1, 41)} == {((Pocket.COINS, 750),)}
