"""The veto on a real database: what is let in is counted with it, what is not leaves no trace."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from casino_club.features.actions.public import UserGone, close_user
from casino_club.features.protection.public import ADMIT_REFUSALS, admit
from casino_club.features.protection.rules import refusals
from casino_club.features.protection.rules.limits import LIMITS, Limit, Measure, Period
from casino_club.features.protection.rules.occasions import Occasion
from casino_club.features.protection.rules.refusals import AmountInvalid, LimitReached, Vetoed
from casino_club.features.protection.rules.standing import Status
from casino_club.infra.db.database import Db
from casino_club.kernel.clock import MINUTE_US
from casino_club.kernel.money import AMOUNT_MAX, Currency
from tests.builders.actions import NOON
from tests.features.protection.guarding import (
    COINS_DAY,
    COINS_WEEK,
    DAY,
    PURCHASES_DAY,
    TIME_DAY,
    Guard,
    a_protection_policy,
)

LET_IN = {
    Status.NORMAL: set(Occasion),
    Status.INFORMED: set(Occasion),
    Status.LIMITED: {Occasion.PURCHASE, Occasion.BET, Occasion.GRANT},
    Status.PAUSED: {Occasion.GRANT},
    Status.PROTECTED: {Occasion.GRANT},
    Status.EXCLUDED: set(),
    Status.CLOSED: set(),
}


class Interrupted(Exception):
    """Whatever may end a transaction after it was let in."""


@pytest.mark.parametrize("status", Status, ids=lambda status: status.word)
async def test_each_status_lets_in_what_it_may_and_nothing_else(guard: Guard, status: Status) -> None:
    if status is not Status.NORMAL:
        await guard.impose(status)

    let_in = set()
    said = set()
    for occasion in Occasion:
        try:
            await guard.admit(occasion, 1, currency=Currency.COIN)
            let_in.add(occasion)
        except Vetoed as vetoed:
            said.add(vetoed.code)

    assert let_in == LET_IN[status]
    assert said == ({f"protection_{status.word}"} if let_in != set(Occasion) else set())


async def test_what_is_let_in_counts_for_day_week_and_month(guard: Guard) -> None:
    await guard.bet(30)
    await guard.bet(12, currency=Currency.CYBER_TOKEN)
    await guard.bet(5, currency=Currency.GEM)
    await guard.admit(Occasion.PURCHASE, 900)
    await guard.admit(Occasion.GRANT, 77)

    counted = {limit: await guard.used(limit) for limit in LIMITS}

    of = {Measure.COINS: 30, Measure.TOKENS: 12, Measure.PURCHASES: 900, Measure.TIME: MINUTE_US}
    assert counted == {limit: of[limit.measure] for limit in LIMITS}


async def test_the_last_unit_of_a_limit_is_let_in_and_one_more_is_not(guard: Guard) -> None:
    await guard.limit(COINS_DAY, 100)

    await guard.bet(60)
    with pytest.raises(LimitReached) as refused:
        await guard.bet(41)
    await guard.bet(40)

    assert await guard.used(COINS_DAY) == 100
    refusal = refused.value
    assert (refusal.limit, refusal.amount, refusal.used) == ("coins_day", 100, 60)
    assert refusal.resets_at == datetime(2026, 11, 20, 15, 0, tzinfo=UTC)  # midnight in Seoul
    assert refusal.retry_after_seconds == 12 * 3600
    assert "2026-11-20 15:00 UTC" in refusal.message


async def test_of_several_limits_the_one_that_lasts_longest_is_named(guard: Guard) -> None:
    await guard.limit(COINS_DAY, 5)
    await guard.limit(COINS_WEEK, 5)

    with pytest.raises(LimitReached) as refused:
        await guard.bet(6)

    assert refused.value.limit == "coins_week"


async def test_a_hundred_bets_at_once_at_the_last_units_let_exactly_those_through(guard: Guard) -> None:
    await guard.limit(COINS_DAY, 37)

    async def bet() -> bool:
        try:
            await guard.bet(1)
        except LimitReached:
            return False
        return True

    let_in = await asyncio.gather(*(bet() for _ in range(100)))

    assert sum(let_in) == 37
    assert await guard.used(COINS_DAY) == 37


async def test_a_hundred_first_bets_at_once_are_all_counted(guard: Guard) -> None:
    await asyncio.gather(*(guard.bet(1) for _ in range(100)))

    assert await guard.used(COINS_DAY) == 100


async def test_what_is_refused_or_rolled_back_leaves_no_trace(guard: Guard) -> None:
    await guard.limit(COINS_DAY, 10)
    await guard.bet(10)
    before = {limit: await guard.used(limit) for limit in LIMITS}

    with pytest.raises(LimitReached):
        await guard.bet(1, now=NOON + timedelta(minutes=5))

    async def broken(db: Db) -> None:
        await admit(db, 7, Occasion.PURCHASE, 3, now=NOON, policy=guard.policy)
        raise Interrupted

    with pytest.raises(Interrupted):
        await guard.run(broken)

    assert {limit: await guard.used(limit) for limit in LIMITS} == before


async def test_winnings_come_off_what_was_lost_and_refunds_off_what_was_paid(guard: Guard) -> None:
    await guard.limit(COINS_DAY, 100)
    await guard.limit(PURCHASES_DAY, 1_000)

    await guard.settle(await guard.bet(100), 250)
    await guard.settle(await guard.admit(Occasion.PURCHASE, 1_000), 400)
    await guard.bet(250)

    assert await guard.used(COINS_DAY) == 100
    assert await guard.used(PURCHASES_DAY) == 600
    with pytest.raises(LimitReached):
        await guard.bet(1)


async def test_a_bet_of_yesterday_that_wins_today_gives_nothing_back_of_today(guard: Guard) -> None:
    yesterday = await guard.bet(50)
    today = NOON + DAY
    await guard.bet(20, now=today)

    await guard.settle(yesterday, 40)

    assert await guard.used(COINS_DAY, now=today) == 20
    assert await guard.used(COINS_WEEK, now=today) == 30


async def test_a_refund_never_leaves_less_than_nothing_paid(guard: Guard) -> None:
    await guard.settle(await guard.admit(Occasion.PURCHASE, 10), 50)

    assert await guard.used(PURCHASES_DAY) == 0


async def test_time_is_from_the_first_play_to_the_last_and_a_minute_for_each_sitting(guard: Guard) -> None:
    for minutes in (0, 10, 40, 70, 101, 102):  # the gap before 101 is longer than half an hour
        await guard.bet(now=NOON + timedelta(minutes=minutes))
    await guard.bet(now=NOON + timedelta(minutes=50))  # late

    assert await guard.used(TIME_DAY) == (71 + 2) * MINUTE_US


async def test_a_limit_of_time_stops_the_play_that_would_break_it(guard: Guard) -> None:
    await guard.limit(TIME_DAY, 30)

    await guard.bet()
    await guard.bet(now=NOON + timedelta(minutes=29))
    with pytest.raises(LimitReached) as refused:
        await guard.bet(now=NOON + timedelta(minutes=29, seconds=1))

    assert (refused.value.limit, refused.value.used) == ("time_day", 30)
    await guard.admit(Occasion.PURCHASE, 5, now=NOON + timedelta(minutes=40))


async def test_a_sitting_over_midnight_is_counted_to_each_day_by_its_part(guard: Guard) -> None:
    midnight = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)

    await guard.bet(now=midnight - timedelta(minutes=10))
    before = await guard.used(TIME_DAY, now=midnight - timedelta(minutes=1))
    await guard.bet(now=midnight + timedelta(minutes=5))

    assert before == MINUTE_US
    assert await guard.used(TIME_DAY, now=midnight) == 5 * MINUTE_US
    assert await guard.used(Limit(Measure.TIME, Period.WEEK), now=midnight) == 16 * MINUTE_US


@pytest.mark.parametrize(
    ("period", "last", "first"),
    [
        (Period.DAY, datetime(2026, 11, 20, 14, 59, tzinfo=UTC), datetime(2026, 11, 20, 15, 0, tzinfo=UTC)),
        (Period.WEEK, datetime(2026, 11, 22, 14, 59, tzinfo=UTC), datetime(2026, 11, 22, 15, 0, tzinfo=UTC)),
        (Period.MONTH, datetime(2026, 11, 30, 14, 59, tzinfo=UTC), datetime(2026, 11, 30, 15, 0, tzinfo=UTC)),
    ],
)
async def test_periods_begin_anew_at_the_operators_midnight(
    guard: Guard, period: Period, last: datetime, first: datetime
) -> None:
    await guard.limit(Limit(Measure.COINS, period), 10, now=last)
    await guard.bet(10, now=last)
    with pytest.raises(LimitReached):
        await guard.bet(1, now=last)

    await guard.bet(10, now=first)

    assert await guard.used(Limit(Measure.COINS, period), now=first) == 10


@pytest.mark.parametrize(
    ("midnight", "hours"),
    [(datetime(2026, 3, 8, 5, 0, tzinfo=UTC), 23), (datetime(2026, 11, 1, 4, 0, tzinfo=UTC), 25)],
)
async def test_days_are_as_long_as_daylight_saving_makes_them(guard: Guard, midnight: datetime, hours: int) -> None:
    there = Guard(guard.database, a_protection_policy("America/New_York"))
    last = midnight + timedelta(hours=hours, microseconds=-1)
    await there.limit(COINS_DAY, 10)
    await there.bet(10, now=midnight)

    with pytest.raises(LimitReached) as refused:
        await there.bet(1, now=last)
    await there.bet(10, now=last + timedelta(microseconds=1))

    assert refused.value.resets_at == midnight + timedelta(hours=hours)


async def test_who_comes_late_to_a_day_that_is_over_is_counted_in_the_new_one(guard: Guard) -> None:
    midnight = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
    await guard.bet(10, now=midnight)

    late = await guard.bet(4, now=midnight - timedelta(microseconds=1))

    assert await guard.used(COINS_DAY, now=midnight) == 14
    await guard.settle(late, 4)
    assert await guard.used(COINS_DAY, now=midnight) == 10


async def test_the_house_limits_whoever_is_limited_and_their_own_limits_hold_beside(guard: Guard) -> None:
    await guard.impose(Status.LIMITED)
    await guard.admit(Occasion.PURCHASE, 30_000)
    with pytest.raises(LimitReached) as of_house:
        await guard.admit(Occasion.PURCHASE, 1)
    await guard.limit(PURCHASES_DAY, 50_000)
    with pytest.raises(LimitReached):
        await guard.admit(Occasion.PURCHASE, 1)

    await guard.limit(PURCHASES_DAY, 20_000)
    with pytest.raises(LimitReached) as own:
        await guard.admit(Occasion.PURCHASE, 1)

    assert (of_house.value.amount, own.value.amount) == (30_000, 20_000)


@pytest.mark.parametrize("amount", [-1, AMOUNT_MAX + 1, 1.5, True, "1", None])
async def test_amounts_that_are_none_are_refused(guard: Guard, amount: int) -> None:
    with pytest.raises(AmountInvalid):
        await guard.bet(amount)

    assert await guard.used(COINS_DAY) == 0


async def test_nothing_is_let_in_for_somebody_who_is_gone(guard: Guard) -> None:
    async with guard.database.transaction() as db:
        await close_user(db, 7, at=NOON)

    for occasion in Occasion:
        with pytest.raises(UserGone):
            await guard.admit(occasion, 1, currency=Currency.COIN)


def test_every_veto_is_named_for_those_who_declare_routes() -> None:
    assert set(Vetoed.__subclasses__()) | {refusals.AmountInvalid} == set(ADMIT_REFUSALS)
