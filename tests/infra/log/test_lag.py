"""How far readers are behind, and who holds them back."""

from datetime import UTC, datetime

from casino_club.infra.backends.hot_store import RedisHotStore
from casino_club.infra.db.database import Database
from casino_club.infra.log import positions, rebuild
from casino_club.infra.log.effects import Stores
from casino_club.infra.log.follower import Follower
from casino_club.infra.log.lag import Lag, lag_metrics, lags, oldest_transaction
from tests.infra.log.following import Table, append, catch_up


async def lag_of(database: Database, generation: int = 0) -> Lag:
    async with database.connection() as db:
        [found] = [lag for lag in await lags(db) if lag.generation == generation]
    return found


async def test_lag_counts_the_rows_that_a_reader_has_yet_to_get(database: Database, hot_store: RedisHotStore) -> None:
    table, stores = Table(), Stores(database, hot_store)
    await table.make(database)
    async with database.connection() as db:
        await positions.take(db, "table")
    assert (await lag_of(database))[2:4] == (0, 0)

    await append(database, range(1, 8))
    behind = await lag_of(database)
    follower = Follower(table.subscription, stores, page_rows=3)
    async with database.connection() as db:
        await follower.deliver(await follower.read(db))
    paging = await lag_of(database)
    await catch_up(table.subscription, stores)

    assert (behind.consumer, behind.rows, paging.rows) == ("table", 7, 4)
    assert behind.seconds > 0
    assert (await lag_of(database)).rows == 0
    assert (datetime.now(UTC) - (await lag_of(database)).moved_at).total_seconds() < 60


async def test_lag_counts_a_row_that_committed_late(database: Database, hot_store: RedisHotStore) -> None:
    table, stores = Table(), Stores(database, hot_store)
    await table.make(database)
    await append(database, [1])
    async with database.transaction() as db:
        await db.execute(
            """INSERT INTO user_actions (id, appended_at, user_id, scope, action_type, metadata, action_timestamp,
                 is_play, by_user, streak, day_plays, last_action_at)
               VALUES (nextval('action_ids'), now(), 9, 0, 'LOGIN', '{}', now(), false, true, 0, 0, now())"""
        )
        await append(database, [2, 3])
        await catch_up(table.subscription, stores)
        assert (await lag_of(database)).rows == 0

    assert (await lag_of(database)).rows == 1


async def test_rebuilds_have_a_lag_of_their_own_which_is_not_in_the_metrics(database: Database) -> None:
    await append(database, [1, 2])
    async with database.transaction() as db:
        await positions.take(db, "hot")
        await rebuild.ask(db, "hot")

    families = {family.name: family for family in await lag_metrics(database)}

    assert (await lag_of(database, 1)).rows == 2
    assert [(s.labels, s.value) for s in families["casino_club_log_lag_rows"].samples] == [({"consumer": "hot"}, 2)]


async def test_the_oldest_transaction_that_has_written_is_named(database: Database) -> None:
    async with database.transaction() as reading, database.connection() as asking:
        await reading.fetchval("SELECT count(*) FROM user_actions")
        assert await oldest_transaction(asking, older_than_seconds=0) is None

        await reading.execute("SELECT pg_current_xact_id()")
        holder = await oldest_transaction(asking, older_than_seconds=0)
        assert holder is not None
        assert holder.pid == await reading.fetchval("SELECT pg_backend_pid()")
        assert holder.state == "idle in transaction"
        assert await oldest_transaction(asking, older_than_seconds=600) is None
