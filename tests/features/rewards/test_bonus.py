"""The bonus draw: what is shown before a play is what is drawn, and game and bonus never give back too much."""

import asyncio
import json
from fractions import Fraction

import pytest

from casino_club.features.actions.public import lock_users
from casino_club.features.odds.commands.desk import OddsDesk
from casino_club.features.odds.public import Bet, Wanted
from casino_club.features.odds.rules.shipped import shipped_tables
from casino_club.features.odds.rules.tables import OddsTable, table_of
from casino_club.features.protection.public import Occasion, admit
from casino_club.features.protection.rules.standing import Status
from casino_club.features.rewards.commands.bonus import (
    BonusDrawn,
    BonusOffer,
    bonus_chance,
    draw_with_bonus,
    set_bonus_terms,
)
from casino_club.features.rewards.rules import bonus as rules
from casino_club.features.rewards.rules.bonus import BonusTerms, Risk, bonus_tables
from casino_club.infra.db.database import Database, Db
from casino_club.kernel.clock import to_us
from casino_club.kernel.money import Currency
from tests.builders.actions import NOON, a_log
from tests.features.identity import people
from tests.features.identity.conftest import house
from tests.features.odds.house import a_desk, make_live, seeded
from tests.features.protection.guarding import Guard
from tests.features.rewards.gifts import Gifts

__all__ = ["house"]

SLOT, ROULETTE = "slot-orchard", "roulette-european"
BETS = {SLOT: Bet("spin", 100), ROULETTE: Bet("red", 100), "rps-ai": Bet("rock", 100)}
TABLES = [*shipped_tables(), *map(table_of, bonus_tables())]


@pytest.fixture
async def gifts(database: Database) -> Gifts:
    await a_log(database).make_room()
    return Gifts(database)


@pytest.fixture
async def desk(database: Database) -> OddsDesk:
    await make_live(database, *TABLES)
    desk = a_desk()
    await seeded(database, desk, 7)
    return desk


def a_bonus(amount: int, chance: int | None = None) -> OddsTable:
    """The slot's bonus with another amount, and another chance in every cell."""
    value = bonus_tables()[0]
    value["items"][1]["prize"]["amount"] = amount
    if chance is not None:
        value["cells"] = [{**cell, "weights": [100 - chance, chance]} for cell in value["cells"]]
    return table_of(value)


async def offered(gifts: Gifts, desk: OddsDesk, product: str = SLOT) -> BonusOffer | None:
    return await gifts.database.run(
        lambda db: bonus_chance(db, desk, product, gifts.user_id, now=NOON, policy=gifts.policy)
    )


async def drawn(
    gifts: Gifts, desk: OddsDesk, stake: int = 100, product: str = SLOT, currency: Currency = Currency.COIN
) -> BonusDrawn | None:
    """What comes on top of a play, which somebody else has paid for."""
    policy, user_id = gifts.policy, gifts.user_id
    wanted = Wanted(product, user_id, [BETS[product]], currency)

    async def work(db: Db) -> BonusDrawn | None:
        await lock_users(db, [user_id])
        admission = await admit(db, user_id, Occasion.BET, stake, currency=currency, now=NOON, policy=policy.protection)
        made = await draw_with_bonus(db, desk, wanted, admission, now=NOON, policy=policy)
        return made.bonus and await made.bonus.give(db, now=NOON, policy=policy)

    return await gifts.database.run(work)


async def stand(gifts: Gifts, *, level: int = 0, risk: str = "moderate", streak: int = 0, silent_us: int = 0) -> None:
    """Hand down the user's terms, and let them have played."""
    async with gifts.database.transaction() as db:
        await lock_users(db, [gifts.user_id])
        await db.execute(
            "UPDATE action_user SET streak = $2, last_play_us = $3 WHERE user_id = $1",
            *(gifts.user_id, streak, to_us(NOON) - silent_us),
        )
        await set_bonus_terms(db, gifts.user_id, level=level, risk=risk, now=NOON)


@pytest.mark.parametrize(
    ("level", "risk", "streak", "percent"),
    [
        *((0, Risk.MODERATE, 0, 5), (1, Risk.MODERATE, 0, 10), (2, Risk.MODERATE, 0, 10), (3, Risk.MODERATE, 0, 15)),
        *((0, Risk.LOW, 0, 3), (3, Risk.HIGH, 30, 50), (3, Risk.HIGH, 31, 50), (0, Risk.HIGH, 7, 17)),
    ],
)
def test_the_chance_follows_level_risk_and_streak(level: int, risk: Risk, streak: int, percent: int) -> None:
    assert rules.chance_percent(BonusTerms(level, risk), streak) == percent


@pytest.mark.parametrize("table", [table_of(value) for value in bonus_tables()], ids=lambda table: table.product)
def test_the_tables_that_ship_hold_every_situation_with_its_chance(table: OddsTable) -> None:
    cells = {cell.id: cell.weights for cell in table.shape.cells}  # type: ignore[union-attr]  # bonuses have cells

    assert cells == {
        rules.cell_of(BonusTerms(level, risk), streak): (100 - chance, chance)
        for level in range(4)
        for risk in Risk
        for streak in range(31)
        for chance in [rules.chance_percent(BonusTerms(level, risk), streak)]
    }


@pytest.mark.parametrize("product", [SLOT, ROULETTE])
async def test_what_ships_gives_back_no_more_than_it_may(gifts: Gifts, desk: OddsDesk, product: str) -> None:
    assert await offered(gifts, desk, product) is not None


@pytest.mark.parametrize(("amount", "is_offered"), [(8, True), (9, False)])
async def test_where_game_and_bonus_would_give_back_too_much_there_is_no_bonus(
    gifts: Gifts, amount: int, is_offered: bool
) -> None:
    await make_live(gifts.database, *shipped_tables(), a_bonus(amount))

    assert (await offered(gifts, a_desk()) is not None) is is_offered


async def test_what_is_shown_before_a_play_is_what_is_drawn(gifts: Gifts, desk: OddsDesk) -> None:
    for level, risk, streak in [(0, "moderate", 0), (3, "high", 30), (1, "low", 12), (2, "high", 99)]:
        await stand(gifts, level=level, risk=risk, streak=streak)

        shown, made = await offered(gifts, desk), await drawn(gifts, desk)

        assert shown is not None
        assert made is not None
        assert made.drawn is not None
        assert shown == made.offer
        assert shown.chance == Fraction(rules.chance_percent(BonusTerms(level, Risk(risk)), streak), 100)
        assert (made.drawn.product, made.drawn.digest) == ("bonus-slot", shown.digest)
        async with gifts.database.connection() as db:
            state = await db.fetchval("SELECT state FROM odds_draws WHERE id = $1", made.drawn.draw_id)
        assert [cell["id"] for cell in bonus_tables()[0]["cells"]][state] == shown.cell


async def test_a_streak_that_was_silent_for_too_long_counts_no_more(gifts: Gifts, desk: OddsDesk) -> None:
    gap_us = gifts.policy.wallet.actions.streak_gap_us
    chances = []
    for silent_us in (gap_us, gap_us + 1):
        await stand(gifts, streak=20, silent_us=silent_us)
        offer = await offered(gifts, desk)
        assert offer is not None
        chances.append(offer.chance)

    assert chances == [Fraction(25, 100), Fraction(5, 100)]


async def test_a_bonus_that_comes_is_a_reward_and_one_that_does_not_is_none(gifts: Gifts) -> None:
    await make_live(gifts.database, *shipped_tables(), a_bonus(4, chance=99))
    desk = a_desk()
    await seeded(gifts.database, desk, 7)

    made = [await drawn(gifts, desk) for _ in range(12)]

    came = [each for each in made if each and each.granted]
    assert came
    history = await gifts.history()
    assert {each.id for each in history} == {each.granted.id for each in came if each.granted}
    assert {(each.reward.type, each.reward.value, each.reason) for each in history} == {("COIN", 4, "bonus")}


async def test_at_once_each_play_has_its_own_bonus_draw(gifts: Gifts, desk: OddsDesk) -> None:
    made = await asyncio.gather(*(drawn(gifts, desk) for _ in range(20)))

    assert sorted(each.drawn.nonce for each in made if each and each.drawn) == list(range(2, 41, 2))


@pytest.mark.parametrize(
    ("product", "stake", "currency", "comes"),
    [
        (SLOT, 99, Currency.COIN, False),
        (SLOT, 100, Currency.COIN, True),
        (SLOT, 10, Currency.CYBER_TOKEN, True),
        (ROULETTE, 2_999, Currency.COIN, False),
        (ROULETTE, 3_000, Currency.COIN, True),
        ("rps-ai", 10_000, Currency.COIN, False),
    ],
)
async def test_a_bonus_comes_with_stakes_that_are_enough(
    gifts: Gifts, desk: OddsDesk, product: str, stake: int, currency: Currency, comes: bool
) -> None:
    assert (await drawn(gifts, desk, stake, product, currency=currency) is not None) is comes


async def test_whom_protection_lets_have_no_bonus_is_offered_none(gifts: Gifts, desk: OddsDesk) -> None:
    await Guard(gifts.database, gifts.policy.protection).impose(Status.LIMITED)

    assert (await offered(gifts, desk), await drawn(gifts, desk)) == (None, None)
    assert await gifts.history() == []


async def test_users_see_their_chance_before_they_play(house: people.House) -> None:
    await make_live(house.database, *TABLES)
    person = await house.person()
    gifts = Gifts(house.database, person.user_id)

    shown = (await person.send("GET", f"/api/rewards/bonuses/{SLOT}")).json()
    nothing = (await person.send("GET", "/api/rewards/bonuses/no-such-game")).json()
    await gifts.exclude()
    excluded = (await person.send("GET", f"/api/rewards/bonuses/{SLOT}")).json()
    published = (await house.http.get("/api/odds/bonus-slot")).json()

    assert {**shown["bonus"], "digest": ""} == {
        "product": "bonus-slot",
        "digest": "",
        "cell": "level-0-moderate-streak-0",
        "chance": "1/20",
        "chance_decimal": "0.05",
        "reward_type": "COIN",
        "reward_value": 8,
        "stake_min_coins": 100,
        "is_resting": False,
    }
    assert shown["bonus"]["digest"] in json.dumps(published)
    assert (nothing["bonus"], excluded["bonus"]) == (None, None)
