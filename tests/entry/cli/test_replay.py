"""`replay`: a projection made again, by one process at a time, while the old values stay."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from casino_club.entry.cli.replay import refusal, run_in_turn
from casino_club.features.actions.jobs import hot
from casino_club.infra.backends.hot_store import RedisHotStore
from casino_club.infra.db.database import Database
from casino_club.infra.log import rebuild, rebuilder
from casino_club.infra.log.effects import Stores
from casino_club.infra.log.subscribe import Kind
from casino_club.infra.ports import HotValue, HotWrite
from tests.builders.logs import Effects, database_reaction, hot_projection, with_rows
from tests.entry.cli.calling import Club
from tests.infra.waiting import POLL_SECONDS, until


async def asked(database: Database) -> list[str]:
    async with database.connection() as db:
        return await rebuild.asked_for(db)


async def test_wrong_values_are_made_right_from_the_log(
    club: Club, database: Database, hot_store: RedisHotStore
) -> None:
    ids = await with_rows(database, [1, 2, 1])
    wrong = {"last_action_ts": HotValue("wrong"), "streak_count": HotValue("99")}
    await hot_store.apply_apart("hot", [HotWrite(user, ids[-1], wrong) for user in (1, 2, 3)])

    done = await club.call("replay", "hot", "--json")

    assert done.code == 0, done.stderr
    assert (done.json["rows"], done.json["ran_here"], done.json["parked"]) == (3, True, 0)
    shown = await hot_store.read(1, ["streak_count", "last_action_ts"])
    assert shown["streak_count"] is None
    assert shown["last_action_ts"] not in (None, "wrong")
    assert await hot_store.read(3, ["last_action_ts"]) == {"last_action_ts": None}
    assert await asked(database) == []


async def test_the_last_line_says_rows_and_seconds(club: Club, database: Database, redis_url: str) -> None:
    await with_rows(database, list(range(1, 11)))

    done = await club.call("replay", "hot")

    assert done.stdout.startswith("hot is made again from 10 rows in ")
    assert "/s)" in done.stdout


async def test_an_unknown_name_is_answered_with_what_can_be_replayed(club: Club) -> None:
    done = await club.call("replay", "cold")

    assert (done.code, done.stdout) == (2, "")
    assert done.stderr == "There is no cold; what can be replayed is: hot, wallet, warehouse.\n"


def test_what_can_not_be_replayed_is_refused_with_the_reason() -> None:
    effects = Effects()
    reaction = database_reaction(effects)
    in_database = replace(reaction, name="balances", kind=Kind.PROJECTION)
    known = [hot_projection(effects), reaction, in_database]

    assert refusal("seen", known) is None
    assert "is a reaction" in (refusal("count", known) or "")
    assert "in PostgreSQL" in (refusal("balances", known) or "")
    assert "is: seen." in (refusal("count", known) or "")


async def test_while_another_process_rebuilds_it_is_watched_to_its_end(
    club: Club, database: Database, redis_url: str
) -> None:
    await with_rows(database, [1, 2])
    async with rebuilt_elsewhere(database):
        watching = asyncio.create_task(club.call("replay", "hot", "--json"))
        await until_asked(database)
        async with database.transaction() as db:
            await db.execute("DELETE FROM log_positions WHERE generation = $1", rebuild.GENERATION)

        done = await watching

    assert done.code == 0
    assert done.json["ran_here"] is False


async def test_a_rebuild_that_another_process_gave_up_is_taken_over(
    database: Database, hot_store: RedisHotStore, capsys: pytest.CaptureFixture[str]
) -> None:
    await with_rows(database, [1, 2])
    effects = Effects()
    async with database.transaction() as db:
        await rebuild.ask(db, "seen")
    async with rebuilt_elsewhere(database, "seen"):
        running = asyncio.create_task(run_in_turn(hot_projection(effects), Stores(database, hot_store)))
        await until(lambda: "Another process rebuilds seen already" in capsys.readouterr().err)
        assert effects.applied == []

    assert await running is True
    assert len(effects.applied) == 2


@asynccontextmanager
async def rebuilt_elsewhere(database: Database, name: str = "hot") -> AsyncIterator[None]:
    """As if another process were at it."""
    async with database.connection() as other:
        await other.execute("SELECT pg_advisory_lock($1, hashtext($2))", rebuilder.REBUILD_LOCK, name)
        yield
        await other.execute("SELECT pg_advisory_unlock_all()")


async def until_asked(database: Database) -> None:
    async with asyncio.timeout(30):
        while not await asked(database):  # noqa: ASYNC110 - the asking happens in another loop
            await asyncio.sleep(POLL_SECONDS)


async def test_two_at_once_rebuild_once(database: Database, hot_store: RedisHotStore) -> None:
    await with_rows(database, [1, 2, 3])
    effects = Effects()
    async with database.transaction() as db:
        await rebuild.ask(db, "seen")

    stores = Stores(database, hot_store)
    ended = await asyncio.gather(*(run_in_turn(hot_projection(effects), stores) for _ in range(2)))

    assert sorted(ended) == [False, True]
    assert len(effects.applied) == 3


async def test_a_rebuild_that_was_done_meanwhile_is_not_done_again(
    database: Database, hot_store: RedisHotStore
) -> None:
    await with_rows(database, [1])
    effects = Effects()

    ran_here = await rebuilder.run(hot_projection(effects), Stores(database, hot_store))

    assert (ran_here, effects.applied) == (False, [])
    assert await asked(database) == []


async def test_a_redis_that_is_away_is_one_line_and_the_rebuild_stays_asked_for(club: Club, database: Database) -> None:
    await with_rows(database, [1])

    done = await club.with_settings(redis_url="redis://127.0.0.1:1/0").call("replay", hot.name)

    assert done.code == 1
    assert len(done.stderr.splitlines()) == 1
    assert "CASINO_CLUB_REDIS_URL" in done.stderr
    assert await asked(database) == ["hot"]
