"""An opening happens once, whole or not at all, and only if nothing stands against it."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import msgspec
import pytest

from casino_club.features.actions.public import UserGone, close_user
from casino_club.features.gacha.commands.opening import open_gacha
from casino_club.features.gacha.routes import OPEN_REFUSALS
from casino_club.features.gacha.rules import refusals
from casino_club.features.gacha.store import Opening
from casino_club.features.identity.public import AgeUnproven
from casino_club.features.odds.commands.versions import pause
from casino_club.features.odds.rules.refusals import ProductMissing, ProductPaused
from casino_club.features.protection.rules.limits import Limit, Measure, Period
from casino_club.features.protection.rules.refusals import PlayExcluded
from casino_club.features.protection.rules.standing import Status
from casino_club.features.rewards.store import reading
from casino_club.features.rewards.store.reading import Filters
from casino_club.features.wallet.public import InsufficientFunds, Pocket
from casino_club.features.wallet.rules.invariants import broken_by
from casino_club.features.wallet.store import checking
from casino_club.infra.db.database import Db
from casino_club.kernel.errors import Refused
from casino_club.kernel.subject import OPERATOR
from tests.builders.actions import NOON
from tests.builders.venues import USER
from tests.features.gacha.arcade import CEILING, PACE, SHIPPED, SHORT, Arcade
from tests.features.protection.guarding import Guard

NOTHING = dict.fromkeys(("openings", "draws", "nonces", "transactions", "rewards", "plays", "users"), 0)


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


def guard_of(arcade: Arcade) -> Guard:
    return Guard(arcade.database, arcade.desk.rewards.protection)


async def test_ten_pulls_cost_ten_gems_give_what_was_drawn_and_are_told_as_one(arcade: Arcade) -> None:
    made = await arcade.open(arcade.wish(10, product=SHIPPED))

    assert (made.spin_count, made.price_gems, made.paid_gems, made.balance_after) == (10, 10, 0, 90)
    assert [pull.nonce for pull in made.pulls] == list(range(1, 11))
    assert [pull.next_state for pull in made.pulls[:-1]] == [pull.state for pull in made.pulls[1:]]
    async with arcade.database.connection() as db:
        given = await reading.rewards_of(db, USER, Filters(), before_id=None, limit=100)
        rows = await db.fetch("SELECT metadata, round_id FROM user_actions WHERE action_type = 'GACHA_SPIN'")
        drawn = await db.fetch("SELECT id, name FROM odds_draws ORDER BY id")
    assert sorted((each.reward.type, each.reward.value) for each in given) == sorted(
        (pull.reward_type, pull.reward_value) for pull in made.pulls
    )
    assert [(row["id"], row["name"]) for row in drawn] == [(pull.draw_id, pull.item) for pull in made.pulls]
    [told] = rows
    metadata = msgspec.json.decode(told["metadata"])
    assert (metadata["staked"], metadata["currency"], told["round_id"]) == (10, "GEM", made.spin_id)
    held = await arcade.holds()
    assert held.get("coins", 0) == sum(pull.reward_value for pull in made.pulls if pull.reward_type == "COIN")
    assert held.get("pending_gems", 0) == metadata["won"]
    assert held["free_gems"] == 90


async def test_the_ledger_of_openings_breaks_nothing(arcade: Arcade) -> None:
    openings = await arcade.many(6, 10, product=SHIPPED)

    async with arcade.database.connection() as db:
        checked = await checking.transactions(db, after_id=0, last_id=10**9, limit=200)
        paid = await db.fetch("SELECT id FROM ledger_txs WHERE kind = 'gacha' ORDER BY id")
        grants = await db.fetchval("SELECT count(*) FROM ledger_txs WHERE kind = 'grant'")
        wrong = await checking.of_all_accounts(db)
    assert [found for tx in checked for found in broken_by(tx)] == wrong == []
    assert [row["id"] for row in paid] == [each.tx_id for each in openings]
    assert grants <= 6, "the money of an opening is one transaction"


async def test_the_same_opening_a_hundred_times_at_once_happens_once(arcade: Arcade) -> None:
    wish = arcade.wish(10, product=SHIPPED)

    found = await asyncio.gather(*(arcade.open(wish) for _ in range(100)))

    assert len(set(found)) == 1
    kept = await arcade.kept()
    assert kept == {**kept, "openings": 1, "draws": 10, "nonces": 10, "transactions": 1, "plays": 1, "users": 1}
    assert (await arcade.holds())["free_gems"] == 90


@pytest.mark.parametrize("change", [{"spins": 2}, {"product": SHIPPED}])
async def test_another_opening_under_the_same_id_is_refused(arcade: Arcade, change: dict[str, Any]) -> None:
    wish = arcade.wish()
    made = await arcade.open(wish)
    before = await arcade.kept()

    with pytest.raises(refusals.OpeningReused):
        await arcade.open(replace(wish, **change), now=NOON + PACE)

    assert await arcade.kept() == before
    await guard_of(arcade).impose(Status.EXCLUDED, days=200)
    assert await arcade.open(wish, now=NOON + timedelta(days=1)) == made


async def test_two_at_once_on_the_last_gem_are_one(arcade: Arcade) -> None:
    users, hasty = range(10, 20), arcade.hasty()
    for user_id in users:
        await arcade.seat(user_id, free_gems=1)
    wishes = [arcade.wish(user_id=user_id) for user_id in users for _ in range(2)]

    ends = await asyncio.gather(*map(hasty.open, wishes), return_exceptions=True)

    for place in range(len(users)):
        pair = ends[2 * place : 2 * place + 2]
        assert sorted(type(end).__name__ for end in pair) == ["InsufficientFunds", "Opening"]
    assert [await arcade.holds(user_id) for user_id in users if "free_gems" in await arcade.holds(user_id)] == []


async def test_an_opening_that_is_cut_anywhere_leaves_nothing_and_can_be_made_again(arcade: Arcade) -> None:
    wish = arcade.wish(3, product=SHIPPED)
    before, statements = await arcade.holds(), 0

    while True:
        try:
            async with arcade.database.transaction() as db:
                made = await open_gacha(Cut(db, statements), arcade.desk, wish, now=NOON)  # type: ignore[arg-type]  # as good as one
            break
        except ConnectionResetError:
            statements += 1
            assert (await arcade.kept(), await arcade.holds()) == (NOTHING, before)

    assert statements > 15
    assert await arcade.open(wish) == made


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"product": "gacha-nothing"}, ProductMissing),
        ({"product": "slot-orchard"}, refusals.NoGacha),
        ({"product": "gacha-coins"}, refusals.NoGacha),
        ({"user_id": 8}, AgeUnproven),
        ({"user_id": 8, "product": SHIPPED}, AgeUnproven),
    ],
)
async def test_an_opening_that_may_not_be_moves_nothing(
    arcade: Arcade, change: dict[str, Any], refused: type[Refused]
) -> None:
    with pytest.raises(refused):
        await arcade.open(arcade.wish(**change))

    assert await arcade.kept() == NOTHING
    assert await arcade.holds() == {"free_gems": 100}
    assert refused in OPEN_REFUSALS


async def test_without_enough_gems_or_a_seed_nothing_is_drawn(arcade: Arcade) -> None:
    await arcade.seat(8, free_gems=9)
    with pytest.raises(InsufficientFunds):
        await arcade.open(arcade.wish(10, user_id=8))
    async for refused in arcade.without_seeds():
        with pytest.raises(refused):
            await arcade.open(arcade.wish())

    assert await arcade.kept() == NOTHING


async def test_what_rests_and_who_is_protected_opens_nothing(arcade: Arcade) -> None:
    await arcade.run(lambda db: pause(db, SHORT, because="a test", by=OPERATOR, now=NOON))
    with pytest.raises(ProductPaused):
        await arcade.open(arcade.wish())
    assert (await arcade.shown())[SHORT].found.is_resting
    await guard_of(arcade).exclude()
    with pytest.raises(PlayExcluded):
        await arcade.open(arcade.wish(product=SHIPPED))
    await arcade.seat(8, free_gems=1)
    await arcade.run(lambda db: close_user(db, 8, at=NOON))
    with pytest.raises(UserGone):
        await arcade.open(arcade.wish(product=SHIPPED, user_id=8))

    assert await arcade.kept() == NOTHING


async def test_openings_take_their_time_and_gems_are_no_loss(arcade: Arcade) -> None:
    await arcade.open(arcade.wish())

    with pytest.raises(refusals.OpeningTooSoon) as refused:
        await arcade.open(arcade.wish(product=SHIPPED), now=NOON + timedelta(seconds=4.9))
    await arcade.open(arcade.wish(product=SHIPPED), now=NOON + PACE)

    assert refused.value.retry_after_seconds == 1
    guard = guard_of(arcade)
    assert await guard.used(Limit(Measure.TIME, Period.DAY)) > 0
    assert await guard.used(Limit(Measure.COINS, Period.DAY)) == 0


async def test_the_ceiling_that_is_declared_holds_pull_by_pull(arcade: Arcade) -> None:
    luckless, seen = 0, 0
    for place in range(20):
        shown = (await arcade.shown())[SHORT]
        made = await arcade.open(arcade.wish(), now=NOON + place * PACE)
        [pull] = made.pulls
        assert (shown.found.state, shown.found.odds.ceiling_draws) == (luckless, CEILING) == (pull.state, CEILING)
        luckless = 0 if pull.tier == "legendary" else luckless + 1
        seen = max(seen, luckless)
        assert luckless < CEILING
    assert seen == CEILING - 1, "with 1% a pull the ceiling is what gives"

    made = await arcade.open(arcade.wish(10), now=NOON + timedelta(hours=1))
    assert sum(pull.tier == "legendary" for pull in made.pulls) >= 2
    assert (made.result_type, made.result_value) == ("BADGE", 1)


async def test_users_of_today_are_counted_once_each_however_often_they_open(arcade: Arcade) -> None:
    users, hasty = range(20, 50), arcade.hasty()
    for user_id in users:
        await arcade.seat(user_id, free_gems=20)

    await asyncio.gather(*(hasty.open(arcade.wish(user_id=each)) for each in [*users, *users, *users]))
    await hasty.open(arcade.wish(product=SHIPPED))

    today, tomorrow = await arcade.shown(), await arcade.shown(now=NOON + timedelta(days=1))
    assert (today[SHORT].users_today, today[SHIPPED].users_today) == (30, 1)
    assert {each.users_today for each in tomorrow.values()} == {0}
    await hasty.open(arcade.wish(user_id=20), now=NOON + timedelta(days=1))
    assert (await arcade.shown(now=NOON + timedelta(days=1)))[SHORT].users_today == 1


@pytest.mark.parametrize("statement", ["UPDATE gacha_log SET spin_count = 1", "DELETE FROM gacha_log"])
async def test_openings_can_not_be_changed(arcade: Arcade, statement: str) -> None:
    await arcade.open(arcade.wish())

    with pytest.raises(asyncpg.RestrictViolationError):
        async with arcade.database.transaction() as db:
            await db.execute(statement)


async def test_ten_pulls_of_many_users_at_once_stand_in_nobodys_way(arcade: Arcade) -> None:
    users = range(60, 84)
    for user_id in users:
        await arcade.seat(user_id, free_gems=10)

    made = await asyncio.gather(*(arcade.open(arcade.wish(10, user_id=each, product=SHIPPED)) for each in users))

    assert all(isinstance(each, Opening) for each in made)
    async with arcade.database.connection() as db:
        assert await db.fetchval("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == 0
    assert {(await arcade.holds(each)).get(Pocket.FREE_GEMS.name.lower()) for each in users} == {None}


WHO = {
    "anybody": "SELECT 1",
    "staff": "UPDATE users SET roles = '{admin}', vip_tier = 9, total_spent = 10000000",
    "of a high group": "INSERT INTO bonus_terms VALUES (7, 3, 'high', now())",
    "somebody limited": "INSERT INTO protections (user_id, status) VALUES (7, 2)",
    "on a streak": "UPDATE action_user SET streak = 99, day_plays = 500",
    "in pity elsewhere": "INSERT INTO odds_states VALUES (7, 'gacha-constellation', 70)",
}


async def rehearsed(arcade: Arcade, statement: str, nonce: int) -> list[str]:
    """What comes to a user who is changed so, in an opening that is rolled back."""
    async with arcade.database.connection() as db:
        await db.execute("BEGIN")
        await db.execute("UPDATE odds_seeds SET next_nonce = $1", nonce)
        await db.execute(statement)
        made = await open_gacha(db, arcade.desk, arcade.wish(5), now=NOON)
        await db.execute("ROLLBACK")
    return [pull.item for pull in made.pulls]


async def test_nothing_about_a_user_changes_what_they_pull(arcade: Arcade) -> None:
    for nonce in range(1, 8):
        came = [await rehearsed(arcade, statement, nonce) for statement in WHO.values()]
        assert came == [came[0]] * len(came)
