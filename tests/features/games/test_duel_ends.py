"""However a duel ends, what was staked is somebody's, and nobody loses because of us."""

from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from casino_club.features.actions.public import UserGone, close_user
from casino_club.features.games.commands import dueling
from casino_club.features.games.commands.ending import forfeit
from casino_club.features.games.rules import refusals
from casino_club.features.games.rules.duels import DuelState, Move
from casino_club.features.games.store import answering
from casino_club.features.games.store import duels as store
from casino_club.features.odds.public import Bet
from casino_club.features.odds.rules.refusals import FundsRefused
from casino_club.features.protection.rules.refusals import LimitReached, PlayExcluded
from casino_club.features.protection.rules.standing import Status
from casino_club.features.wallet.public import InsufficientFunds, Pocket
from casino_club.infra.db.database import Database, Db
from casino_club.kernel.money import Currency
from tests.builders.actions import NOON
from tests.features.games.dueling import ANNA, AS_BEFORE, BORIS, CLARA, POOR, RICH, SALTS, STEP, STEPS, TOKEN, Table
from tests.features.games.parlour import Parlour, a_round_id, seconds
from tests.features.games.test_playing import Cut
from tests.features.protection.guarding import COINS_DAY, Guard

LATE = {
    "open": (DuelState.CALLED_OFF, AS_BEFORE, AS_BEFORE),
    "joined": (DuelState.CALLED_OFF, AS_BEFORE, AS_BEFORE),
    "one committed": (DuelState.CALLED_OFF, AS_BEFORE, AS_BEFORE),
    "both committed": (DuelState.CALLED_OFF, AS_BEFORE, AS_BEFORE),
    "one revealed": (DuelState.TIMED_OUT, RICH, POOR),
}


@pytest.mark.parametrize("state", LATE)
async def test_who_lets_time_pass_gets_nothing_from_it(table: Table, state: str) -> None:
    await table.until(state)
    lasts = 10 * STEP if state == "open" else STEP
    await table.answer_for(lasts - 1)
    assert (await table.lapse()).state.is_live

    await table.answer_for(1)
    duel = await table.lapse()

    assert (duel.state, *(await table.wealth())[:2]) == LATE[state]
    assert await table.held() == 0
    assert len(await table.told()) == (2 if state == "one revealed" else 0)
    assert [await table.counted(each) for each in (ANNA, BORIS)] == ([-100, 100] if state == "one revealed" else [0, 0])


async def test_time_in_which_we_were_away_is_nobodys_loss(table: Table) -> None:
    await table.until("one revealed")
    await table.answer_for(STEP - 1)
    await table.answer_for(0, after_an_outage=True)

    await table.answer_for(STEP - 1)
    assert (await table.lapse()).state is DuelState.COMMITTED
    assert (await table.reveal(BORIS, Move.SCISSORS)).state is DuelState.SETTLED


async def test_the_clock_of_the_api_decides_nothing(table: Table) -> None:
    await table.until("one revealed")

    duel = await table.reveal(BORIS, Move.SCISSORS, now=NOON + timedelta(days=1))

    assert duel.state is DuelState.SETTLED


async def test_a_reveal_that_comes_too_late_finds_the_end(table: Table) -> None:
    await table.until("one revealed")
    await table.answer_for(STEP)

    duel = await table.reveal(BORIS, Move.SCISSORS)

    assert (duel.state, duel.seats[1].move) == (DuelState.TIMED_OUT, None)
    assert await table.reveal(BORIS, Move.SCISSORS) == await table.reveal(ANNA) == duel


async def beats(database: Database, *, after: float, is_back: bool = False) -> tuple[int, int]:
    """What a beat adds to the clock so long after the one before, and how long ago the last outage then was."""
    async with database.transaction() as db:
        before = await answering.clock(db)
        await db.execute("UPDATE game_clock SET beat_at = clock_timestamp() - make_interval(secs => $1)", after)
        await answering.beat(db, is_back=is_back)
        now = await answering.clock(db)
    return now.answered_us - before.answered_us, now.answered_us - now.resumed_us


async def test_the_clock_runs_while_beats_are_close_and_stands_still_in_between(parlour: Parlour) -> None:
    await beats(parlour.database, after=0, is_back=True)
    passed, since = await beats(parlour.database, after=1.0)
    assert 1_000_000 <= passed == since < 2_000_000
    assert (await beats(parlour.database, after=1.0))[1] > since

    for gap in (3.0, 3_600.0, -3_600.0):
        assert await beats(parlour.database, after=gap) == (0, 0)
    assert await beats(parlour.database, after=1.0, is_back=True) == (0, 0)


async def test_tokens_come_back_to_the_lots_that_they_came_from(table: Table) -> None:
    for user_id in (ANNA, BORIS):
        await table.parlour.give(user_id, Pocket.PARTNER_TOKENS, 60)
        await table.parlour.give(user_id, Pocket.APP_TOKENS, 60)
    await table.until("settled", Move.ROCK, Move.ROCK, currency=TOKEN)

    for held in (await table.wealth())[:2]:
        assert held == {"coins": 1_000, "partner_tokens": 60, "app_tokens": 60}
    kinds = [(user_id, kind) for user_id, kind, _ in await table.told()]
    assert kinds == [
        *((ANNA, "SPEND_CYBER_TOKENS"), (BORIS, "SPEND_CYBER_TOKENS")),
        *((ANNA, "RPS_PLAY"), (BORIS, "RPS_PLAY")),
    ]


async def test_tokens_that_are_won_are_the_apps(table: Table) -> None:
    for user_id in (ANNA, BORIS):
        await table.parlour.give(user_id, Pocket.PARTNER_TOKENS, 100)
    await table.until("settled", currency=TOKEN)

    assert (await table.wealth())[:2] == [{"coins": 1_000, "app_tokens": 200}, {"coins": 1_000}]


async def test_money_that_the_market_keeps_out_is_no_stake(table: Table) -> None:
    await table.parlour.give(ANNA, Pocket.CASH_TOKENS, 100)

    with pytest.raises(InsufficientFunds):
        await table.challenge(currency=TOKEN)
    with pytest.raises(FundsRefused):
        await table.challenge(currency=Currency.GEM)


async def test_who_is_excluded_meanwhile_stakes_nothing_more_and_a_duel_that_runs_is_played_to_its_end(
    table: Table,
) -> None:
    guard = Guard(table.parlour.database, table.parlour.desk.protection)
    await table.until("one committed")
    await guard.of(BORIS).impose(Status.EXCLUDED, days=200)
    with pytest.raises(PlayExcluded):
        await table.commit(BORIS)
    await table.leave(BORIS)
    assert (await table.wealth())[:2] == [AS_BEFORE, AS_BEFORE]

    second = Table(table.parlour, a_round_id())
    await second.challenge(CLARA)
    await second.join(ANNA)
    later = NOON + seconds(5)
    await second.commit(ANNA, Move.SCISSORS, now=later)
    await second.commit(CLARA, now=later)
    await guard.of(CLARA).impose(Status.EXCLUDED, days=200)
    await second.reveal(CLARA)
    await second.reveal(ANNA, Move.SCISSORS)

    assert await second.wealth() == [POOR, AS_BEFORE, RICH]


async def test_a_limit_on_losses_counts_stakes_until_they_come_back(table: Table) -> None:
    guard = Guard(table.parlour.database, table.parlour.desk.protection, user_id=ANNA)
    await guard.limit(COINS_DAY, 99)
    await table.until("joined")
    with pytest.raises(LimitReached):
        await table.commit(ANNA)

    await table.leave(ANNA)
    assert (await table.seen()).state is DuelState.CALLED_OFF


async def test_one_duel_at_a_time(table: Table) -> None:
    await table.challenge()
    second = Table(table.parlour, a_round_id())

    with pytest.raises(refusals.InDuel):
        await second.challenge()
    await second.challenge(BORIS)
    with pytest.raises(refusals.InDuel):
        await second.join(ANNA)
    await table.leave(ANNA)
    assert (await second.join(ANNA)).state is DuelState.JOINED


async def test_another_duel_under_the_same_id_is_refused(table: Table) -> None:
    await table.challenge()

    for change in ({"stake": 200}, {"is_listed": False}, {"currency": TOKEN}, {"user_id": CLARA}):
        with pytest.raises(refusals.DuelReused):
            await table.challenge(**change)


async def test_stakes_are_bounded_and_have_to_be_there(table: Table) -> None:
    with pytest.raises(refusals.StakeTooHigh):
        await table.challenge(stake=10_001)
    with pytest.raises(InsufficientFunds):
        await table.challenge(stake=1_001)


async def test_a_duel_is_a_round_for_the_pace(table: Table) -> None:
    await table.until("joined")
    await table.parlour.play(table.parlour.spin())
    with pytest.raises(refusals.RoundTooSoon):
        await table.commit(ANNA)
    await table.commit(ANNA, now=NOON + seconds(2.5))

    with pytest.raises(refusals.RoundTooSoon):
        await table.parlour.play(table.parlour.roulette(Bet("red", 10)), now=NOON + seconds(7.4))


@pytest.mark.parametrize("state", ["both committed", "one revealed"])
async def test_a_step_that_is_cut_anywhere_leaves_nothing_and_can_be_made_again(table: Table, state: str) -> None:
    before = await table.until(state)
    wealth, statements = await table.wealth(), 0
    user_id = ANNA if state == "both committed" else BORIS
    move = Move.ROCK if user_id == ANNA else Move.SCISSORS

    while True:
        try:
            async with table.parlour.database.transaction() as db:
                cut: Any = Cut(db, statements)
                await dueling.reveal(
                    cut, table.parlour.desk, table.duel_id, user_id, move=move, salt=SALTS[user_id], now=NOON
                )
            break
        except ConnectionResetError:
            statements += 1
            assert (await table.seen(), await table.wealth(), await table.told()) == (before, wealth, [])

    assert statements > 4
    assert (await table.wealth())[:2] == ([POOR, POOR] if user_id == ANNA else [RICH, POOR])


async def gone(table: Table, user_id: int) -> None:
    """As an erasure does it: the log takes no more of the user, and then the slice is asked."""

    async def work(db: Db) -> None:
        await forfeit(db, table.parlour.desk.till, user_id, now=NOON)

    async with table.parlour.database.transaction() as db:
        await close_user(db, user_id, at=NOON)
    await table.parlour.run(work)
    await table.parlour.run(work)


@pytest.mark.parametrize("state", STEPS[:-1])
async def test_who_is_erased_forfeits_and_keeps_nobody_waiting(table: Table, state: str) -> None:
    await table.until(state)

    await gone(table, ANNA)

    duel = await table.seen()
    is_won = state in ("both committed", "one revealed")
    assert duel.state is (DuelState.TIMED_OUT if is_won else DuelState.CALLED_OFF)
    assert (await table.wealth())[1] == (RICH if is_won else AS_BEFORE)
    assert await table.held() == (100 if state == "one committed" else 0)
    assert [user_id for user_id, *_ in await table.told()] == ([BORIS] if is_won else [])


async def test_a_duel_whose_user_is_being_erased_keeps_no_other_from_its_end(table: Table) -> None:
    await table.until("one revealed")
    second = Table(table.parlour, a_round_id())
    await second.challenge(CLARA)
    async with table.parlour.database.transaction() as db:
        await close_user(db, ANNA, at=NOON)
    await table.answer_for(20 * STEP)

    assert (await second.lapse()).state is DuelState.CALLED_OFF
    assert (await table.seen()).state is DuelState.COMMITTED
    with pytest.raises(UserGone):
        await table.reveal(BORIS, Move.SCISSORS)


async def test_a_duel_that_is_over_is_changed_by_nothing(table: Table) -> None:
    duel = await table.until("settled")

    for statement in (
        "UPDATE game_duels SET stake = 1",
        "UPDATE game_duel_seats SET returned = 1",
        "DELETE FROM game_duel_seats",
        "DELETE FROM game_duels",
    ):
        with pytest.raises(asyncpg.RestrictViolationError):
            async with table.parlour.database.transaction() as db:
                await db.execute(statement)

    assert await table.seen() == duel


async def test_only_listed_challenges_of_others_are_shown_to_anybody(table: Table) -> None:
    await table.challenge(is_listed=False)
    second = Table(table.parlour, a_round_id())
    await second.challenge(BORIS)

    async with table.parlour.database.connection() as db:
        for_clara = await store.open_duels(db, CLARA, None, limit=10)
        for_boris = await store.open_duels(db, BORIS, Currency.COIN, limit=10)
        in_tokens = await store.open_duels(db, CLARA, TOKEN, limit=10)
        told_of = await dueling.shown(db, table.duel_id, CLARA)

    assert [duel.duel_id for duel in for_clara] == [second.duel_id]
    assert (for_boris, in_tokens) == ([], [])
    assert told_of.users == (ANNA,)
