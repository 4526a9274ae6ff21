"""A free spin stakes nothing of the user's, wins by the same table, and is a round like any other."""

import asyncio

import msgspec
import pytest

from casino_club.features.games.rules.refusals import RoundReused, RoundTooSoon
from casino_club.features.games.rules.results import result_of
from casino_club.features.games.store.rounds import Round
from casino_club.features.odds.commands.versions import pause
from casino_club.features.odds.commands.watching import look
from casino_club.features.odds.public import Bet
from casino_club.features.odds.rules.refusals import ProductPaused
from casino_club.features.protection.rules.limits import Limit, Measure, Period
from casino_club.features.protection.rules.refusals import PlayExcluded
from casino_club.features.rewards.public import SpinsMissing
from casino_club.features.wallet.rules.invariants import broken_by
from casino_club.features.wallet.store import checking
from casino_club.kernel.subject import OPERATOR
from tests.builders.actions import NOON
from tests.features.games.parlour import PLAIN_SLOT, Parlour, seconds
from tests.features.protection.guarding import Guard


async def spins_left(parlour: Parlour) -> int:
    async with parlour.database.connection() as db:
        left: int = await db.fetchval("SELECT coalesce(sum(spins), 0)::bigint FROM free_spins")
    return left


async def spun(parlour: Parlour, count: int) -> list[Round]:
    """Free spins, one after the other."""
    return [
        await parlour.play(parlour.spin(is_free=True), now=NOON + at * parlour.desk.pace.slot) for at in range(count)
    ]


async def test_free_spins_win_by_the_table_and_cost_nothing(parlour: Parlour) -> None:
    await parlour.give_spins(20)

    free = await spun(parlour, 20)

    assert [(each.staked, each.bets, each.bonus) for each in free] == [(0, (Bet("spin", 100),), None)] * 20
    won = sum(each.won for each in free)
    assert won > 0
    assert (await parlour.holds())["coins"] == 1_000 + won == free[-1].balance_after
    assert await spins_left(parlour) == 0
    told = [msgspec.json.decode(metadata) for _, metadata in await parlour.told()]
    assert [(each["staked"], each["won"]) for each in told] == [(0, each.won) for each in free]
    assert {each["result"] for each in told} == {result_of(staked=100, won=each.won) for each in free}, (
        "less than a spin stands for is not called a win"
    )


async def test_in_the_ledger_games_come_out_as_their_tables_say(parlour: Parlour) -> None:
    await parlour.give_spins(8)
    free = await spun(parlour, 8)

    async with parlour.database.connection() as db:
        rows = await db.fetch(
            """SELECT t.kind, -(SELECT sum(amount) FROM ledger_entries WHERE tx_id = t.id AND account_id < 0) AS gained,
                      d.staked, d.returned
               FROM ledger_txs AS t JOIN game_rounds AS r ON r.tx_id = t.id JOIN odds_draws AS d ON d.id = r.draw_id
               ORDER BY r.id"""
        )
        checked = await checking.transactions(db, after_id=0, last_id=10**9, limit=100)

    assert [tuple(row) for row in rows] == [("free_spin", each.won, 100, each.won) for each in free]
    assert [found for tx in checked for found in broken_by(tx)] == []
    assert await parlour.run(lambda db: look(db, parlour.desk.odds.shelf, now=NOON)) == 8


async def test_a_spin_of_this_slot_goes_before_one_of_any_and_none_of_another(parlour: Parlour) -> None:
    await parlour.give_spins(1, "slot-orchard")
    with pytest.raises(SpinsMissing):
        await parlour.play(parlour.spin(is_free=True))
    await parlour.give_spins(1)
    await parlour.give_spins(1, PLAIN_SLOT)

    await parlour.play(parlour.spin(is_free=True))

    async with parlour.database.connection() as db:
        left = await db.fetch("SELECT game, spins FROM free_spins WHERE spins > 0 ORDER BY game")
    assert [tuple(row) for row in left] == [("", 1), ("slot-orchard", 1)]


async def test_the_same_free_spin_fifty_times_at_once_uses_one(parlour: Parlour) -> None:
    await parlour.give_spins(3)
    wanted = parlour.spin(is_free=True)

    found = await asyncio.gather(*(parlour.play(wanted) for _ in range(50)))

    assert len(set(found)) == 1
    assert await spins_left(parlour) == 2
    with pytest.raises(RoundReused):
        await parlour.play(parlour.spin(round_id=wanted.round_id))
    dearer = parlour.spin(200, is_free=True, round_id=wanted.round_id)
    assert await parlour.play(dearer) == found[0], "what a spin stands for has been changed since"


async def test_two_at_once_on_the_last_spin_are_one(parlour: Parlour) -> None:
    await parlour.give_spins(1)

    ends = await asyncio.gather(*(parlour.play(parlour.spin(is_free=True)) for _ in range(10)), return_exceptions=True)

    assert sorted(type(end).__name__ for end in ends) == ["Round", *["RoundTooSoon"] * 9]
    with pytest.raises(SpinsMissing):
        await parlour.play(parlour.spin(is_free=True), now=NOON + seconds(9))


@pytest.mark.parametrize("stands_against", [ProductPaused, PlayExcluded, RoundTooSoon])
async def test_what_is_refused_uses_no_spin(parlour: Parlour, stands_against: type[Exception]) -> None:
    await parlour.give_spins(1)
    if stands_against is ProductPaused:
        await parlour.run(lambda db: pause(db, PLAIN_SLOT, because="a test", by=OPERATOR, now=NOON))
    elif stands_against is PlayExcluded:
        await Guard(parlour.database, parlour.desk.protection).exclude()
    else:
        await parlour.play(parlour.spin())

    with pytest.raises(stands_against):
        await parlour.play(parlour.spin(is_free=True))

    assert await spins_left(parlour) == 1


async def test_a_free_spin_loses_nothing_and_takes_its_time(parlour: Parlour) -> None:
    guard = Guard(parlour.database, parlour.desk.protection)
    await parlour.give_spins(1)

    played = await parlour.play(parlour.spin(is_free=True))

    assert await guard.used(Limit(Measure.COINS, Period.DAY)) == -played.won
    assert await guard.used(Limit(Measure.TIME, Period.DAY)) > 0
