"""In a trial every user draws from their own arm, where they stand stays theirs, and the public page shows both."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from casino_club.features.gacha.commands.opening import open_gacha
from casino_club.features.gacha.store import Opening
from casino_club.features.odds.commands import trials, versions
from casino_club.features.odds.commands.reads import published
from casino_club.features.odds.commands.watching import look
from casino_club.features.odds.rules.shipped import slot
from casino_club.features.odds.rules.tables import OddsTable, table_of
from casino_club.features.odds.rules.trials import is_challenged
from casino_club.infra.db.database import Database, Db
from casino_club.kernel.subject import OPERATOR, Role, UserSubject
from tests.builders.actions import NOON
from tests.features.gacha.arcade import CEILING, PACE, SHORT, Arcade, a_gacha
from tests.features.games.parlour import PLAIN_SLOT, open_parlour

KINDER = a_gacha(base=400, ceiling=3)
STAFF = [UserSubject(number, roles=frozenset((Role.ADMIN,))) for number in (901, 902)]
HALF = 500


async def begun(database: Database, table: OddsTable) -> int:
    """A trial of an approved table, for half of the users."""

    async def work(db: Db) -> int:
        draft = await versions.draft(db, table, live_at=None, by=STAFF[0], now=NOON)
        for each in STAFF:
            await versions.approve(db, draft.id, by=each, now=NOON)
        return (await trials.begin(db, draft.id, share_permille=HALF, by=STAFF[0], now=NOON)).id

    return await database.run(work)


def arms(trial_id: int, users: range) -> dict[int, bool]:
    return {each: is_challenged(trial_id, each, share_permille=HALF) for each in users}


async def test_each_user_opens_the_table_of_their_arm_and_is_shown_it(arcade: Arcade) -> None:
    live = (await arcade.shown())[SHORT].found.odds.digest
    trial_id = await begun(arcade.database, KINDER)
    chosen = arms(trial_id, range(100, 124))
    assert set(chosen.values()) == {True, False}

    for user_id, is_kinder in chosen.items():
        await arcade.seat(user_id, free_gems=10)
        shown = (await arcade.shown(user_id))[SHORT]
        made = await arcade.open(arcade.wish(10, user_id=user_id))
        ceiling = 3 if is_kinder else CEILING
        assert made.digest == shown.found.odds.digest == (KINDER.digest if is_kinder else live)
        assert shown.found.odds.ceiling_draws == ceiling
        assert max(pull.state for pull in made.pulls) < ceiling

    async with arcade.database.connection() as db:
        page = await published(db, arcade.desk.odds, SHORT, now=NOON)
        _, figures = await trials.compare(db, trial_id, now=NOON + PACE)
    assert page.challenger is not None
    assert {page.odds.digest, page.challenger.digest} == {live, KINDER.digest}
    [draws] = [each for each in figures if each.figure == "draws"]
    assert (draws.live.users, draws.challenger.users) == (
        sum(not each for each in chosen.values()),
        sum(chosen.values()),
    )


async def test_pulls_without_luck_count_on_when_a_trial_begins_and_ends(arcade: Arcade) -> None:
    begins = await begun_and_ended_around(arcade)

    assert begins == [(0, 5), (4, 3), (4, 5)]


async def begun_and_ended_around(arcade: Arcade) -> list[tuple[int, int | None]]:
    """Where somebody stands who has pulled four times without luck, and the ceiling that holds for them."""
    stands = [await _stands(arcade, 7)]
    async with arcade.database.transaction() as db:
        await db.execute("INSERT INTO odds_states VALUES (7, $1, 4)", SHORT)
    trial_id = await begun(arcade.database, KINDER)
    while not is_challenged(trial_id, 7, share_permille=HALF):
        await arcade.run(lambda db, number=trial_id: trials.end(db, number, by=OPERATOR, now=NOON))  # type: ignore[misc]  # bound early
        trial_id = await begun(arcade.database, KINDER)
    async with arcade.database.connection() as db:
        kept = await db.fetchval("SELECT state FROM odds_states WHERE user_id = 7")
    stands.append((kept, (await _stands(arcade, 7))[1]))
    await arcade.run(lambda db: trials.end(db, trial_id, by=OPERATOR, now=NOON))
    return [*stands, await _stands(arcade, 7)]


async def _stands(arcade: Arcade, user_id: int) -> tuple[int, int | None]:
    found = (await arcade.shown(user_id))[SHORT].found
    return found.state, found.odds.ceiling_draws


class Meanwhile:
    """A connection on which everybody else's table becomes another one with this user's first draw."""

    def __init__(self, db: Db, change: Callable[[], Awaitable[object]]) -> None:
        self._db, self._change, self._draws = db, change, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    async def fetchval(self, sql: str, *values: object) -> Any:
        if "INSERT INTO odds_draws" in sql:
            self._draws += 1
            if self._draws == 1:
                await self._change()
        return await self._db.fetchval(sql, *values)


async def test_an_opening_whose_table_changes_under_it_is_made_again_from_the_new_one(arcade: Arcade) -> None:
    wish, tries = arcade.wish(10), itertools.count()

    async def work(db: Db) -> Opening:
        change = partial(live_from_now, arcade.database) if next(tries) == 0 else partial(asyncio.sleep, 0)
        return await open_gacha(Meanwhile(db, change), arcade.desk, wish, now=NOON)  # type: ignore[arg-type]  # as good as one

    made = await arcade.run(work)

    assert (next(tries), made.digest, made.spin_count) == (2, KINDER.digest, len(made.pulls))
    assert (await arcade.kept())["draws"] == 10
    async with arcade.database.connection() as db:
        assert await db.fetchval("SELECT array_agg(DISTINCT digest) FROM odds_draws") == [KINDER.digest]


async def live_from_now(database: Database) -> None:
    async def work(db: Db) -> None:
        draft = await versions.draft(db, KINDER, live_at=NOON, by=STAFF[0], now=NOON)
        for each in STAFF:
            await versions.approve(db, draft.id, by=each, now=NOON)

    await database.run(work)


async def test_the_watch_takes_both_arms_for_what_they_are(arcade: Arcade) -> None:
    trial_id = await begun(arcade.database, KINDER)
    for user_id in arms(trial_id, range(130, 142)):
        await arcade.seat(user_id, free_gems=20)
        await arcade.open(arcade.wish(10, user_id=user_id))
    await arcade.run(lambda db: trials.end(db, trial_id, by=OPERATOR, now=NOON))
    for user_id in range(130, 142):
        await arcade.open(arcade.wish(10, user_id=user_id), now=NOON + PACE)

    assert await arcade.run(lambda db: look(db, arcade.desk.odds.shelf, now=NOON)) == 240

    assert not (await arcade.shown())[SHORT].found.is_resting


async def test_in_a_slot_too(database: Database) -> None:
    parlour = await open_parlour(database)
    poorer = table_of(slot() | {"product": PLAIN_SLOT, "lines": [[1, 1, 1], [0, 0, 0], [2, 2, 2], [0, 1, 2]]})
    trial_id = await begun(database, poorer)
    chosen = arms(trial_id, range(200, 212))
    assert set(chosen.values()) == {True, False}

    for user_id, is_poorer in chosen.items():
        await parlour.seat(user_id, coins=100)
        played = await parlour.play(parlour.spin(user_id=user_id))
        async with database.connection() as db:
            digest = await db.fetchval("SELECT digest FROM odds_draws WHERE id = $1", played.draw_id)
        assert (digest == poorer.digest) is is_poorer
