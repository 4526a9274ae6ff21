"""Limits, rests and consents on a real database: decisions are kept with their history, and the log learns little."""

import json
from datetime import timedelta

import asyncpg
import pytest

from casino_club.features.actions.public import UserGone, close_user
from casino_club.features.protection.commands import consenting
from casino_club.features.protection.public import Purpose, may_be_approached, who_consents
from casino_club.features.protection.rules.consents import TEXTS
from casino_club.features.protection.rules.limits import LIMITS
from casino_club.features.protection.rules.refusals import (
    ConsentTextOutdated,
    LimitReached,
    PlayPaused,
    RaiseMissing,
    RaiseTooSoon,
)
from casino_club.features.protection.rules.standing import Status
from casino_club.features.protection.store import consents, protections
from casino_club.features.protection.store.consents import Consent
from casino_club.infra.db.database import Db
from tests.builders.actions import NOON
from tests.features.protection.guarding import COINS_DAY, DAY, Guard


async def say(guard: Guard, purpose: Purpose, *, is_given: bool, text_version: int = 1) -> Consent:
    return await guard.run(
        lambda db: consenting.say(
            db,
            guard.user_id,
            purpose,
            is_given=is_given,
            text_version=text_version,
            now=NOON,
            policy=guard.policy,
        )
    )


async def changes(guard: Guard) -> list[tuple[str, str, int | None]]:
    async with guard.database.connection() as db:
        rows = await protections.changes_of(db, guard.user_id, before_id=None, limit=100)
    return [(row["change"], row["subject"], row["amount"]) for row in reversed(rows)]


async def test_a_lower_limit_holds_at_once_and_a_higher_one_once_it_is_confirmed_a_day_later(guard: Guard) -> None:
    await guard.limit(COINS_DAY, 100)
    await guard.limit(COINS_DAY, 10)
    with pytest.raises(LimitReached):
        await guard.bet(11)

    asked = await guard.limit(COINS_DAY, 50)
    with pytest.raises(RaiseTooSoon):
        await guard.confirm_raise(COINS_DAY, now=NOON + DAY - timedelta(microseconds=1))
    with pytest.raises(LimitReached):
        await guard.bet(11, now=NOON + 2 * DAY)  # due, and still not confirmed
    held = await guard.confirm_raise(COINS_DAY, now=NOON + 2 * DAY)
    await guard.bet(50, now=NOON + 2 * DAY)

    assert (asked.amount, asked.waiting and asked.waiting.amount) == (10, 50)
    assert (held.amount, held.waiting) == (50, None)


async def test_every_limit_can_be_set_holds_and_can_be_taken_away(guard: Guard) -> None:
    for limit in LIMITS:
        await guard.limit(limit, 3)
        await guard.limit(limit, None)
    for limit in LIMITS:
        assert (await guard.confirm_raise(limit, now=NOON + DAY)).amount is None

    async with guard.database.connection() as db:
        assert (await protections.protection_of(db, 7)).caps == {}
        assert await protections.raises_of(db, 7) == {}


async def test_a_raise_is_given_up_by_word_or_by_a_lower_limit(guard: Guard) -> None:
    await guard.limit(COINS_DAY, 10)

    await guard.limit(COINS_DAY, 50)
    await guard.drop_raise(COINS_DAY)
    with pytest.raises(RaiseMissing):
        await guard.drop_raise(COINS_DAY)
    await guard.limit(COINS_DAY, 50)
    await guard.limit(COINS_DAY, 9)

    with pytest.raises(RaiseMissing):
        await guard.confirm_raise(COINS_DAY, now=NOON + DAY)


async def test_asking_for_another_raise_begins_the_wait_anew(guard: Guard) -> None:
    await guard.limit(COINS_DAY, 10)
    await guard.limit(COINS_DAY, 20)
    await guard.limit(COINS_DAY, 1_000, now=NOON + timedelta(hours=23))

    with pytest.raises(RaiseTooSoon):
        await guard.confirm_raise(COINS_DAY, now=NOON + DAY)


async def test_a_pause_ends_with_the_users_word_and_not_with_its_time(guard: Guard) -> None:
    await guard.pause(24)

    with pytest.raises(PlayPaused):
        await guard.bet(1, now=NOON + 3 * DAY)
    await guard.confirm_return(now=NOON + 3 * DAY)
    await guard.bet(1, now=NOON + 3 * DAY)


async def test_the_log_learns_who_may_be_approached_and_not_why_not(guard: Guard) -> None:
    await guard.impose(Status.INFORMED)
    await guard.pause(24)
    await guard.exclude(6)
    await guard.limit(COINS_DAY, 10)
    await guard.limit(COINS_DAY, 50)

    told = [(kind, json.loads(metadata)) for kind, metadata in await guard.told()]

    assert told == [
        ("PROTECTION_CHANGED", {"may_be_approached": True}),
        ("PROTECTION_CHANGED", {"may_be_approached": False}),
        ("PROTECTION_CHANGED", {"may_be_approached": False}),
        ("LIMIT_SET", {"limit": "coins_day"}),
    ]
    assert [change for change, *_ in await changes(guard)] == [
        "informed",
        "paused",
        "excluded",
        "limit_set",
        "raise_asked",
    ]


async def test_protecting_oneself_is_no_activity(guard: Guard) -> None:
    await guard.pause(24)
    await guard.limit(COINS_DAY, 10)
    await say(guard, Purpose.NIGHT_PUSH, is_given=True)
    await say(guard, Purpose.NIGHT_PUSH, is_given=False)

    async with guard.database.connection() as db:
        assert await db.fetchval("SELECT count(*) FROM user_actions WHERE NOT by_user AND NOT is_play") == 4


async def test_marketing_may_approach_whoever_is_normal_or_informed(guard: Guard) -> None:
    for status in Status:
        if status is not Status.NORMAL:
            await guard.of(100 + status).impose(status)
    users = [100 + status for status in Status]

    async with guard.database.connection() as db:
        assert await may_be_approached(db, users) == {100 + Status.NORMAL, 100 + Status.INFORMED}
        assert await protections.counts_by_status(db) == {each: 1 for each in Status if each is not Status.NORMAL}


async def test_consent_is_the_last_word_and_every_word_is_kept(guard: Guard) -> None:
    for is_given in (True, True, False, True):
        await say(guard, Purpose.NIGHT_PUSH, is_given=is_given)
    await say(guard.of(8), Purpose.NIGHT_PUSH, is_given=True)
    await say(guard.of(8), Purpose.NIGHT_PUSH, is_given=False)

    async with guard.database.connection() as db:
        said = await consents.history(db, 7, before_id=None, limit=10)
        assert await who_consents(db, [7, 8, 9], Purpose.NIGHT_PUSH) == {7}
        assert await who_consents(db, [7, 8, 9], Purpose.MARKETING_PUSH) == frozenset()
    assert [each.is_given for each in said] == [True, False, True]


async def test_nobody_consents_to_a_text_that_is_not_the_current_one(guard: Guard) -> None:
    await say(guard, Purpose.ADULT_CONTENT, is_given=True)
    with pytest.raises(ConsentTextOutdated):
        await say(guard, Purpose.ADULT_CONTENT, is_given=True, text_version=2)
    await say(guard, Purpose.PERSONALISATION, is_given=False, text_version=9)  # a no is taken to any text

    async with guard.database.transaction() as db:
        await db.execute("ALTER TABLE consents DISABLE TRIGGER consents_append_only")
        await db.execute("UPDATE consents SET text_version = $1 - 1", TEXTS[Purpose.ADULT_CONTENT].version)

    async with guard.database.connection() as db:
        assert await who_consents(db, [7], Purpose.ADULT_CONTENT) == frozenset()


@pytest.mark.parametrize("table", ["consents", "protection_changes"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET user_id = 8", "DELETE FROM {}", "TRUNCATE {}"])
async def test_history_is_never_changed_and_goes_only_with_its_user(guard: Guard, table: str, statement: str) -> None:
    await guard.pause(24)
    await say(guard, Purpose.NIGHT_PUSH, is_given=True)

    with pytest.raises(asyncpg.RestrictViolationError):
        async with guard.database.transaction() as db:
            await db.execute(statement.format(table))

    async with guard.database.transaction() as db:
        await close_user(db, 7, at=NOON)
        await protections.forget_user(db, 7)
        assert await db.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_whoever_is_gone_changes_nothing_any_more(guard: Guard) -> None:
    async def gone(db: Db) -> None:
        await close_user(db, 7, at=NOON)

    await guard.run(gone)

    for act in (guard.pause(24), guard.limit(COINS_DAY, 1), say(guard, Purpose.NIGHT_PUSH, is_given=True)):
        with pytest.raises(UserGone):
            await act
    async with guard.database.connection() as db:
        assert await db.fetchval("SELECT count(*) FROM protections") == 0
        assert await db.fetchval("SELECT count(*) FROM consents") == 0
