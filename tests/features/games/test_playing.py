"""A round happens once, whole or not at all, and only if nothing stands against it."""

import asyncio
from dataclasses import replace
from typing import Any

import asyncpg
import msgspec
import pytest

from casino_club.features.actions.public import UserGone, close_user
from casino_club.features.games.commands.playing import play
from casino_club.features.games.rules import refusals
from casino_club.features.games.rules.pace import Pace
from casino_club.features.games.store.rounds import Round
from casino_club.features.identity.public import AgeUnproven
from casino_club.features.odds.commands.versions import pause
from casino_club.features.odds.public import DRAW_REFUSALS, Bet, Game
from casino_club.features.odds.rules.refusals import (
    FundsRefused,
    InvalidBet,
    ProductMissing,
    ProductPaused,
)
from casino_club.features.protection.public import ADMIT_REFUSALS
from casino_club.features.protection.rules.limits import Limit, Measure, Period
from casino_club.features.protection.rules.refusals import LimitReached, PlayExcluded
from casino_club.features.protection.rules.standing import Status
from casino_club.features.wallet.public import InsufficientFunds, Pocket
from casino_club.infra.db.database import Database, Db
from casino_club.kernel.errors import Refused
from casino_club.kernel.money import AMOUNT_MAX, Currency
from casino_club.kernel.subject import OPERATOR
from tests.builders.actions import NOON
from tests.builders.venues import USER
from tests.features.games.parlour import PLAIN_SLOT, Parlour, open_parlour, seconds
from tests.features.protection.guarding import Guard

NOTHING = dict.fromkeys(("rounds", "draws", "nonces", "transactions", "plays", "counted"), 0)
TOKEN = Currency.CYBER_TOKEN


class Cut:
    """A connection that is lost at its n-th statement."""

    def __init__(self, db: Db, statements: int) -> None:
        self._db, self._left = db, statements

    def __getattr__(self, name: str) -> Any:
        if name in {"execute", "fetch", "fetchrow", "fetchval", "copy_to_table"}:
            self._left -= 1
            if self._left < 0:
                raise ConnectionResetError("cut")
        return getattr(self._db, name)


def guard_of(parlour: Parlour) -> Guard:
    return Guard(parlour.database, parlour.desk.protection)


async def test_a_round_takes_the_stake_gives_the_return_and_tells_the_log(parlour: Parlour) -> None:
    spins = await parlour.many(8)

    assert (await parlour.holds())["coins"] == 1_000 - 800 + sum(spin.won for spin in spins)
    assert spins[-1].balance_after == (await parlour.holds())["coins"]
    told = [(kind, msgspec.json.decode(metadata)) for kind, metadata in await parlour.told()]
    assert [kind for kind, _ in told] == ["SLOT_SPIN"] * 8
    assert [(each["staked"], each["won"], each["round_id"]) for _, each in told] == [
        (100, spin.won, str(spin.round_id)) for spin in spins
    ]
    assert {each["result"] for _, each in told} <= {"lose", "partial", "even", "win"}


async def test_each_bet_has_one_draw_and_one_settlement_of_the_same_amounts(parlour: Parlour) -> None:
    await parlour.give(USER, Pocket.PARTNER_TOKENS, 500)
    await parlour.many(6)
    later = NOON + seconds(60)
    await parlour.play(parlour.roulette(Bet("red", 50), Bet("straight-7", 10)), now=later)
    await parlour.play(parlour.spin(currency=TOKEN), now=later + seconds(5))

    async with parlour.database.connection() as db:
        rows = await db.fetch(
            """SELECT r.staked = d.staked AND r.won = d.returned AND r.came = d.name AND r.product = d.product
                      AND r.currency = d.currency AND r.user_id = d.user_id AND r.user_id = t.user_id
                      AND t.idem_key = r.round_id
                      AND r.won - r.staked = (SELECT sum(amount) FROM ledger_entries
                                              WHERE tx_id = t.id AND account_id > 0)
               FROM game_rounds AS r
               FULL JOIN odds_draws AS d ON d.id = r.draw_id
               FULL JOIN (SELECT * FROM ledger_txs WHERE kind <> 'gift') AS t ON t.id = r.tx_id"""
        )

    assert [row[0] for row in rows] == [True] * 8


async def test_the_same_round_fifty_times_at_once_is_played_once(parlour: Parlour) -> None:
    wanted = parlour.spin()

    found = await asyncio.gather(*(parlour.play(wanted) for _ in range(50)))

    assert len(set(found)) == 1
    assert await parlour.kept() == {
        **NOTHING,
        **dict.fromkeys(("rounds", "draws", "nonces", "transactions", "plays"), 1),
        "counted": 100 - found[0].won,
    }


async def test_a_round_is_found_again_for_ever_whatever_has_become_of_its_user(parlour: Parlour) -> None:
    wanted = parlour.spin()
    first = await parlour.play(wanted)
    await guard_of(parlour).impose(Status.EXCLUDED, days=200)

    assert await parlour.play(wanted, now=NOON + seconds(86_400)) == first


@pytest.mark.parametrize(
    "change",
    [
        {"bets": (Bet("spin", 200),)},
        {"bets": (Bet("spin", 100), Bet("spun", 100))},
        {"currency": TOKEN},
        {"product": "slot-other"},
        {"product": "roulette-european", "game": Game.ROULETTE},
    ],
)
async def test_another_round_under_the_same_id_is_refused(parlour: Parlour, change: dict[str, Any]) -> None:
    wanted = parlour.spin()
    await parlour.play(wanted)
    before = await parlour.kept()

    with pytest.raises(refusals.RoundReused):
        await parlour.play(replace(wanted, **change), now=NOON + seconds(60))

    assert await parlour.kept() == before


async def test_two_users_may_have_rounds_of_the_same_id(parlour: Parlour) -> None:
    await parlour.seat(8, coins=1_000)
    wanted = parlour.spin()

    mine, other = await parlour.play(wanted), await parlour.play(replace(wanted, user_id=8))

    assert mine.draw_id != other.draw_id


async def test_a_round_that_is_cut_anywhere_leaves_nothing_and_can_be_played_again(parlour: Parlour) -> None:
    wanted = parlour.spin()
    before, statements = await parlour.holds(), 0

    while True:
        try:
            async with parlour.database.transaction() as db:
                played = await play(Cut(db, statements), parlour.desk, wanted, now=NOON)  # type: ignore[arg-type]  # as good as one
            break
        except ConnectionResetError:
            statements += 1
            assert (await parlour.kept(), await parlour.holds()) == (NOTHING, before)

    assert statements > 8
    assert await parlour.play(wanted) == played


async def test_two_bets_on_the_last_coins_at_once_are_one_unless_it_wins(parlour: Parlour) -> None:
    users, hasty = range(10, 22), replace(parlour.desk, pace=Pace(seconds(0), seconds(0)))
    for user_id in users:
        await parlour.seat(user_id, coins=100)
    wanted = [parlour.spin(user_id=user_id) for user_id in users for _ in range(2)]

    ends = await asyncio.gather(*map(replace(parlour, desk=hasty).play, wanted), return_exceptions=True)

    for at, user_id in enumerate(users):
        pair = ends[2 * at : 2 * at + 2]
        played = sorted((end for end in pair if isinstance(end, Round)), key=lambda each: each.id)
        refused = {type(end) for end in pair} - {Round}
        assert refused <= {InsufficientFunds}
        assert len(played) == 1 or played[0].won >= 100
        assert (await parlour.holds(user_id)).get("coins", 0) == 100 + sum(each.won - 100 for each in played)
    assert InsufficientFunds in map(type, ends)


async def test_a_round_lasts_its_time_whichever_game_comes_next(parlour: Parlour) -> None:
    await parlour.play(parlour.spin())
    red = Bet("red", 10)

    for early in (0.0, 2.0, 2.499):
        with pytest.raises(refusals.RoundTooSoon) as refused:
            await parlour.play(parlour.roulette(red), now=NOON + seconds(early))
        assert refused.value.retry_after_seconds == (1 if early else 3)
    await parlour.play(parlour.roulette(red), now=NOON + seconds(2.5))
    with pytest.raises(refusals.RoundTooSoon):
        await parlour.play(parlour.spin(), now=NOON + seconds(7.4))
    await parlour.play(parlour.spin(), now=NOON + seconds(7.5))

    assert (await parlour.kept())["rounds"] == 3


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"bets": (Bet("spin", 0),)}, InvalidBet),
        ({"bets": (Bet("spin", 15),)}, InvalidBet),
        ({"bets": (Bet("spin", 10_010),)}, InvalidBet),
        ({"bets": (Bet("spin", AMOUNT_MAX),)}, InvalidBet),
        ({"bets": (Bet("spin", -100),)}, ADMIT_REFUSALS[-1]),
        ({"bets": (Bet("spin", AMOUNT_MAX + 1),)}, ADMIT_REFUSALS[-1]),
        ({"bets": ()}, InvalidBet),
        ({"bets": (Bet("red", 100),)}, InvalidBet),
        ({"bets": (Bet("spin", 10), Bet("spin", 10))}, InvalidBet),
        ({"product": "slot-nothing"}, ProductMissing),
        ({"product": "roulette-european"}, refusals.OtherGame),
        ({"product": "rps-ai"}, refusals.OtherGame),
        ({"currency": Currency.GEM}, FundsRefused),
        ({"currency": TOKEN}, InsufficientFunds),
        ({"bets": (Bet("spin", 1_010),)}, InsufficientFunds),
        ({"user_id": 8}, AgeUnproven),
    ],
)
async def test_a_round_that_may_not_be_moves_nothing(
    parlour: Parlour, change: dict[str, Any], refused: type[Refused]
) -> None:
    with pytest.raises(refused):
        await parlour.play(replace(parlour.spin(), **change))

    assert await parlour.kept() == NOTHING
    assert await parlour.holds() == {"coins": 1_000}
    assert (
        refused in (*DRAW_REFUSALS, *ADMIT_REFUSALS, InsufficientFunds, AgeUnproven)
        or refused.__module__ == refusals.__name__
    )


async def test_winnings_never_pay_for_their_own_stake(parlour: Parlour) -> None:
    await parlour.seat(8, coins=90)

    for _ in range(40):
        with pytest.raises(InsufficientFunds):
            await parlour.play(parlour.spin(user_id=8))
        async with parlour.database.transaction() as db:
            await db.execute("UPDATE odds_seeds SET next_nonce = next_nonce + 1 WHERE user_id = 8")

    assert await parlour.holds(8) == {"coins": 90}


async def test_without_a_promise_and_a_choice_nothing_is_staked(parlour: Parlour) -> None:
    async for refused in parlour.without_seeds():
        with pytest.raises(refused):
            await parlour.play(parlour.spin())

    assert await parlour.kept() == NOTHING


async def test_nothing_is_staked_on_a_product_that_rests(parlour: Parlour) -> None:
    await parlour.run(lambda db: pause(db, PLAIN_SLOT, because="a test", by=OPERATOR, now=NOON))

    with pytest.raises(ProductPaused):
        await parlour.play(parlour.spin())

    assert await parlour.kept() == NOTHING
    assert (await parlour.play(parlour.roulette(Bet("red", 10)))).staked == 10


async def test_protection_is_asked_before_and_told_after(parlour: Parlour) -> None:
    guard = guard_of(parlour)
    limit = Limit(Measure.COINS, Period.DAY)
    await guard.limit(limit, 250)

    played = [await parlour.play(parlour.spin(), now=NOON), await parlour.play(parlour.spin(), now=NOON + seconds(3))]
    lost = 200 - sum(each.won for each in played)
    assert await guard.used(limit) == lost
    with pytest.raises(LimitReached):
        await parlour.play(parlour.spin((260 - lost) // 10 * 10), now=NOON + seconds(9))
    await guard.exclude()
    with pytest.raises(PlayExcluded):
        await parlour.play(parlour.spin(10), now=NOON + seconds(20))

    assert await guard.used(limit) == lost
    assert (await parlour.kept())["rounds"] == 2


async def test_tokens_are_spent_and_won_in_the_rows_of_the_round(parlour: Parlour) -> None:
    await parlour.give(USER, Pocket.PARTNER_TOKENS, 2_000)

    spins = [
        await parlour.play(parlour.spin(currency=TOKEN), now=NOON + seconds(3 * number)) for number in range(1, 13)
    ]

    told = [(kind, msgspec.json.decode(text)) for kind, text in await parlour.told() if "round_id" in text]
    for spin in spins:
        own = [kind for kind, metadata in told if metadata["round_id"] == str(spin.round_id)]
        assert own == ["SPEND_CYBER_TOKENS", *["EARN_CYBER_TOKENS"] * bool(spin.won), "SLOT_SPIN"]
    held = await parlour.holds()
    assert held["partner_tokens"] + held.get("app_tokens", 0) == 800 + sum(spin.won for spin in spins)
    assert spins[-1].balance_after == held["partner_tokens"] + held.get("app_tokens", 0)


@pytest.mark.parametrize(("market", "may"), [("kr", False), ("default", False), ("eu", True)])
async def test_tokens_that_were_paid_for_enter_only_where_the_market_lets_them(
    database: Database, market: str, may: bool
) -> None:
    parlour = await open_parlour(database, market)
    await parlour.seat(USER, cash_tokens=500)

    if may:
        assert (await parlour.play(parlour.spin(currency=TOKEN))).staked == 100
    else:
        with pytest.raises(InsufficientFunds):
            await parlour.play(parlour.spin(currency=TOKEN))
        assert await parlour.holds() == {"cash_tokens": 500}


async def test_an_age_is_looked_up_until_it_is_proven_and_no_more(parlour: Parlour) -> None:
    ages = parlour.desk.ages
    async with parlour.database.transaction() as db:
        await db.execute("UPDATE age_checks SET settled_at = NULL, is_of_age = NULL WHERE user_id = $1", USER)
        before = [await ages.holds(db, USER) for _ in range(2)]
        await db.execute("UPDATE age_checks SET settled_at = $2, is_of_age = true WHERE user_id = $1", USER, NOON)
        after = await ages.holds(db, USER)
        await db.execute("DELETE FROM age_checks")
        later, others = await ages.holds(db, USER), await ages.holds(db, USER + 1)

    assert (before, after, later, others) == ([False, False], True, True, False)


async def test_nobody_who_is_gone_plays(parlour: Parlour) -> None:
    await parlour.run(lambda db: close_user(db, USER, at=NOON))

    with pytest.raises(UserGone):
        await parlour.play(parlour.spin())

    assert (await parlour.kept())["rounds"] == 0


WHO = {
    "anybody": "SELECT 1",
    "staff": "UPDATE users SET roles = '{admin}', vip_tier = 9, total_spent = 10000000",
    "a big spender": "UPDATE ledger_accounts SET balance = 900000000 WHERE id = 7 * 8",
    "somebody watched": "INSERT INTO protections (user_id, status) VALUES (7, 1)",
    "somebody limited": "INSERT INTO protections (user_id, status) VALUES (7, 2)",
    "on a streak": "UPDATE action_user SET streak = 99, day_plays = 500",
    "a late loser": "INSERT INTO protections (user_id, coins_day, day_us) VALUES (7, 900000, 1)",
}


async def rehearsed(parlour: Parlour, statement: str, nonce: int, stake: int) -> str:
    """What comes to a user who is changed so, in a round that is rolled back."""
    async with parlour.database.connection() as db:
        await db.execute("BEGIN")
        await db.execute("UPDATE odds_seeds SET next_nonce = $1", nonce)
        await db.execute(statement)
        played = await play(db, parlour.desk, parlour.spin(stake), now=NOON)
        await db.execute("ROLLBACK")
    return played.came


async def test_nothing_about_a_user_changes_what_they_draw(parlour: Parlour) -> None:
    """The same seed and nonce, over and over: each round is rolled back, so that the next one draws it again."""
    differing = []
    for nonce in range(1, 30):
        came = {}
        for who, statement in WHO.items():
            for stake in (10, 1_000):
                came[who, stake] = await rehearsed(parlour, statement, nonce, stake)
        differing += [came] if len(set(came.values())) > 1 else []

    assert differing == []


@pytest.mark.parametrize(
    "statement", ["UPDATE game_rounds SET won = 1", "DELETE FROM game_rounds", "TRUNCATE game_rounds"]
)
async def test_rounds_can_not_be_changed(parlour: Parlour, statement: str) -> None:
    await parlour.play(parlour.spin())

    with pytest.raises(asyncpg.RestrictViolationError):
        async with parlour.database.transaction() as db:
            await db.execute(statement)
