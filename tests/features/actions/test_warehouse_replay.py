"""The warehouse's tables made again from the log, beside those that are read meanwhile."""

import asyncio
import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from casino_club.features.actions.jobs import warehouse as projection
from casino_club.infra.backends.warehouse import ClickHouseWarehouse
from casino_club.infra.db.database import Database
from casino_club.infra.log import pending, positions, rebuild
from casino_club.infra.log.parked import parked_rows
from casino_club.infra.log.positions import TakenOver
from casino_club.infra.log.rebuilder import rebuild_when_asked, run
from casino_club.infra.log.taking_over import NotWhole
from casino_club.infra.log.user_replay import compared
from casino_club.infra.ports import WarehouseAway, WarehouseStore
from casino_club.infra.warehouse import generations
from tests.builders.actions import NOON, a_log, a_policy, a_view, record
from tests.features.actions.warehoused import USER_DAYS, USERS, Place, user_days, users, write_history
from tests.infra.log.following import eventually, following


@pytest.fixture
def place(database: Database, warehouse_store: WarehouseStore) -> Place:
    return Place(database, warehouse_store)


async def ask(place: Place, *, from_id: int = 1) -> None:
    async with place.database.transaction() as db:
        await rebuild.ask(db, projection.name, from_id=from_id)


async def live_number(place: Place) -> int:
    async with place.database.connection() as db:
        live = await generations.find(db, projection.name)
    assert live is not None
    return live.number


async def databases(place: Place) -> list[list[str]]:
    prefix = place.store.database
    return await place.rows(f"SELECT name FROM system.databases WHERE startsWith(name, '{prefix}_')")


async def test_tables_that_were_spoilt_are_made_right_and_the_old_ones_go(place: Place) -> None:
    await write_history(place.database, random.Random(1))
    await place.catch_up()
    before, number = await place.hashes(), await live_number(place)
    await place.store.run("TRUNCATE TABLE user_days", database=f"{place.store.database}_{number}")
    await ask(place)

    assert await run(projection, place.stores)

    assert await place.hashes() == before
    assert await databases(place) == [[f"{place.store.database}_{await live_number(place)}"]]
    assert await live_number(place) > number


async def test_a_replay_of_what_is_right_leaves_every_hash_as_it_was(place: Place) -> None:
    await write_history(place.database, random.Random(2))
    await place.catch_up()
    before = await place.hashes()
    await ask(place)

    await run(projection, place.stores)
    await place.catch_up()

    assert await place.hashes() == before


async def test_while_it_is_rebuilt_actions_arrive_and_are_read(place: Place) -> None:
    await write_history(place.database, random.Random(3), rows=2_000)
    await place.catch_up()
    follower, over = place.follower(), asyncio.Event()

    async def write_and_follow() -> None:
        while not over.is_set():
            rows = [a_view(user, at=NOON) for user in range(1, 20)]
            await record(a_log(place.database), rows, now=NOON, policy=a_policy())
            held_before = {each.table: each.rows for each in await place.hashes()}
            assert held_before["actions"] >= 2_000, "a reader saw tables that were not complete"
            try:
                await place.catch_up(follower)
            except (TakenOver, WarehouseAway):  # The tables it was filling have just been dropped.
                follower.held = None

    writing = asyncio.create_task(write_and_follow())
    await ask(place)
    await run(replace(projection, page_rows=150), place.stores)
    over.set()
    await writing
    await place.catch_up()

    logged = await place.logged()
    assert await place.rows(USER_DAYS) == user_days(logged)
    assert await place.rows(USERS) == users(logged)


async def test_no_page_is_noted_behind_the_back_of_a_rebuild_that_is_being_shown(place: Place) -> None:
    follower = place.follower()
    await write_history(place.database, random.Random(4), rows=50)
    await place.catch_up(follower)
    await write_history(place.database, random.Random(5), rows=10)

    async with place.database.transaction() as showing:
        await showing.execute("UPDATE log_positions SET moves = moves + 1 WHERE consumer = $1", projection.name)
        await pending.forget(showing, projection.name, positions.LIVE)
        filling = asyncio.create_task(place.catch_up(follower))
        await eventually(lambda: somebody_waits(place.database))
    with pytest.raises(TakenOver):
        await filling

    async with place.database.connection() as db:
        assert await db.fetchval("SELECT count(*) FROM warehouse_pending") == 0


async def somebody_waits(database: Database) -> bool:
    async with database.connection() as db:
        return bool(await db.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"))


async def test_who_asks_while_a_rebuild_is_shown_gets_an_answer(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    await write_history(place.database, random.Random(4), rows=50)
    await place.catch_up()
    before, read = await place.hashes(), ClickHouseWarehouse.read
    await ask(place)

    async def rebuilt_first(*given: Any, **named: Any) -> bytes:
        monkeypatch.setattr(ClickHouseWarehouse, "read", read)
        await run(projection, place.stores)
        return await read(*given, **named)

    monkeypatch.setattr(ClickHouseWarehouse, "read", rebuilt_first)
    assert await place.hashes() == before


async def test_a_rebuild_that_was_cut_goes_on_where_it_was(place: Place) -> None:
    await write_history(place.database, random.Random(4))
    await place.catch_up()
    before = await place.hashes()
    await ask(place)
    cut = place.follower(page_rows=100)
    cut = replace(cut, generation=rebuild.GENERATION)
    async with place.database.connection() as db:
        for _ in range(3):
            await cut.deliver(await cut.read(db))

    await run(projection, place.stores)

    assert await place.hashes() == before


async def test_another_time_zone_is_a_new_generation_with_its_own_days(place: Place) -> None:
    await write_history(place.database, random.Random(5))
    await place.catch_up()
    elsewhere = replace(place, zone="America/New_York")

    await elsewhere.catch_up()
    async with place.database.connection() as db:
        asked = await rebuild.asked_for(db)
    held_until_then = await place.rows(USER_DAYS)
    await run(projection, elsewhere.stores)

    assert asked == [projection.name]
    assert held_until_then == user_days(await place.logged())
    assert await place.rows("SELECT countIf(day != toDate(action_timestamp, 'America/New_York')) FROM actions") == [[0]]


async def test_tables_that_were_lost_are_rebuilt(place: Place) -> None:
    await write_history(place.database, random.Random(6))
    await place.catch_up()
    before = await place.hashes()
    await place.store.run(f"DROP DATABASE {place.store.database}_{await live_number(place)} SYNC")

    await place.catch_up()
    async with place.database.connection() as db:
        assert await rebuild.asked_for(db) == [projection.name]
    await run(projection, place.stores)

    assert await place.hashes() == before


async def test_rows_that_could_be_built_are_parked_no_more(place: Place) -> None:
    await write_history(place.database, random.Random(2), rows=200)
    async with place.database.transaction() as db:
        bad: int = await db.fetchval("SELECT id FROM user_actions WHERE action_type = 'PURCHASE' ORDER BY id LIMIT 1")
        await db.execute("""UPDATE user_actions SET metadata = '{"amount": "a lot"}' WHERE id = $1""", bad)
    await place.catch_up()
    async with place.database.transaction() as db:
        await db.execute("""UPDATE user_actions SET metadata = '{"amount": 9}' WHERE id = $1""", bad)
    await ask(place)

    await run(projection, place.stores)

    async with place.database.connection() as db:
        assert await parked_rows(db) == []
    assert await place.rows(USER_DAYS) == user_days(await place.logged())


async def test_a_rebuild_from_an_id_takes_over_what_is_before_it(place: Place) -> None:
    await write_history(place.database, random.Random(7), now=NOON - timedelta(hours=1))
    await place.catch_up()
    before = await place.hashes()
    async with place.database.transaction() as db:
        await db.execute("UPDATE user_actions SET metadata = '{}' WHERE id <= 100")
    await ask(place, from_id=301)

    await run(projection, place.stores)

    assert await place.hashes() == before, "it has read rows again that it should have taken over"


async def test_nothing_is_taken_over_from_tables_that_lack_rows(place: Place) -> None:
    await write_history(place.database, random.Random(7), now=NOON - timedelta(hours=1))
    await place.catch_up(place.follower(page_rows=100))
    await place.store.run(
        "ALTER TABLE actions DELETE WHERE id <= 60 SETTINGS mutations_sync = 1",
        database=f"{place.store.database}_{await live_number(place)}",
    )
    await ask(place, from_id=301)

    with pytest.raises(NotWhole, match="leave out --from"):
        await run(projection, place.stores)

    async with place.database.connection() as db:
        assert await rebuild.asked_for(db) == [], "it would be refused for ever, to whoever looks"


async def test_who_rebuilds_goes_on_when_a_rebuild_is_refused(place: Place) -> None:
    await write_history(place.database, random.Random(7), now=NOON)
    await place.catch_up()
    await ask(place, from_id=5_000)

    async with following(rebuild_when_asked([projection], place.stores)):
        await eventually(lambda: is_done(place))
        await ask(place)
        await eventually(lambda: is_done(place))

    assert await place.rows(USER_DAYS) == user_days(await place.logged())


async def is_done(place: Place) -> bool:
    async with place.database.connection() as db:
        return await rebuild.asked_for(db) == []


async def test_one_users_rows_are_compared_with_the_log(place: Place) -> None:
    await write_history(place.database, random.Random(8))
    await place.catch_up()
    right = await compared(projection, place.stores, 7)
    await place.store.run(
        "ALTER TABLE user_days DELETE WHERE user_id = 7 SETTINGS mutations_sync = 1",
        database=f"{place.store.database}_{await live_number(place)}",
    )

    wrong = await compared(projection, place.stores, 7)

    assert [each.held == each.wanted for each in right] == [True, True, True]
    assert [each.held == each.wanted for each in wrong] == [True, False, True]
    assert len(await databases(place)) == 1
