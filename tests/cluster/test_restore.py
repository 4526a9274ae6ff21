"""A dump restored elsewhere while consumers stood in the topic: it knows rows that the log lacks, and new ones come
under their ids. Each row of the restored log counts once, and none that is gone.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from casino_club.entry.cli.migrate import prepare
from casino_club.features.actions.jobs import warehouse as projection
from casino_club.infra.backends.hot_store import RedisHotStore
from casino_club.infra.backends.kafka.client import Kafka
from casino_club.infra.db.database import Database
from casino_club.infra.log.follower import Follower
from casino_club.infra.log.rebuilder import rebuild_when_asked
from casino_club.infra.ports import WarehouseStore
from tests.builders.dumps import dump, restore
from tests.builders.kafka import messages, relaying, rows_in, topic_source
from tests.builders.servers import forget, private_servers
from tests.cluster.test_exactness import LONG_SECONDS_MAX, Scene
from tests.features.actions.club import settings_for
from tests.features.actions.warehoused import USER_DAYS, USERS, Place, user_days, users, write_history
from tests.infra.log.following import Table, eventually, following

BATCHES = 6
TRANSACTIONS = 1_000


@pytest.fixture
async def table(database: Database) -> Table:
    made = Table()
    await made.make(database)
    return made


@asynccontextmanager
async def followed(scene: Scene, place: Place) -> AsyncIterator[None]:
    """The log as a table and in the warehouse, both by way of the topic once that can be entered."""
    warehouse = Follower(projection, place.stores, topic_source(scene.kafka)(), page_rows=7)
    follows = [scene.follower.follow(asyncio.Event()), warehouse.follow(asyncio.Event())]
    async with (
        relaying(scene.database, scene.kafka, page_rows=5),
        following(*follows, rebuild_when_asked([projection], place.stores)),
    ):
        await eventually(scene.has_entered, seconds_max=LONG_SECONDS_MAX)
        yield


async def is_filled(place: Place) -> bool:
    """Whether the warehouse holds the log, in every table."""
    logged = await place.logged()
    found = [await place.rows(sql) for sql in ("SELECT count(), uniqExact(id) FROM actions", USER_DAYS, USERS)]
    return found == [[[len(logged)] * 2], user_days(logged), users(logged)]


async def ids_in_log(database: Database) -> list[int]:
    async with database.connection() as db:
        return [row[0] for row in await db.fetch("SELECT id FROM user_actions ORDER BY id")]


async def lives_of(kafka: Kafka) -> dict[bytes, list[int]]:
    """The ids that each life of the topic sent."""
    found: dict[bytes, list[int]] = {}
    for message in await asyncio.to_thread(messages, kafka):
        if message.value() is not None:
            life = dict(message.headers() or ())["life"]
            assert isinstance(life, bytes)
            found.setdefault(life, []).append(rows_in([message])[0]["id"])
    return found


@pytest.mark.timeout(400)
async def test_each_row_of_a_restored_log_counts_once_though_the_topic_remembers_others(
    database: Database,
    database_url: str,
    hot_store: RedisHotStore,
    redis_url: str,
    warehouse_store: WarehouseStore,
    kafka: Kafka,
    table: Table,
    tmp_path: Path,
) -> None:
    scene, file = Scene(database, hot_store, kafka, table), tmp_path / "club.dump"
    await prepare(settings_for(database_url, redis_url, data_dir=tmp_path))
    await number_on(database)
    async with followed(scene, Place(database, warehouse_store)):
        await scene.append()
        await scene.settles()
        dumping = asyncio.create_task(dump(database_url, file))
        for _ in range(BATCHES):
            await scene.append()
        await dumping
        await write_history(database, random.Random(1), rows=50)
        scene.ids = await ids_in_log(database)
        await scene.settles()
        former = scene.life
    lost = scene.ids

    with private_servers(tmp_path / "elsewhere") as (url, _):
        await restore(file, url)
        await prepare(settings_for(url, redis_url, data_dir=tmp_path))
        async with Database(url, connections_max=8) as restored:
            again, place = Scene(restored, hot_store, kafka, table), Place(restored, warehouse_store)
            again.ids = await ids_in_log(restored)
            assert len(again.ids) < len(lost)
            async with followed(again, place):
                await again.append()
                assert again.ids[-1] in lost
                await again.settles()
                await eventually(lambda: has_left(again, former), seconds_max=LONG_SECONDS_MAX)
                await again.append()
                await again.settles()
                await eventually(lambda: is_filled(place), seconds_max=LONG_SECONDS_MAX)
                lives = await lives_of(kafka)
    forget(tmp_path / "elsewhere")

    assert former is not None
    assert sorted(lives.pop(former.encode())) == lost
    [sent] = lives.values()
    assert sorted(sent) == again.ids


async def number_on(database: Database) -> None:
    """Transactions get numbers that the new cluster will not reach: what the dump brings seems to lie in its future."""
    async with database.connection() as db:
        for _ in range(TRANSACTIONS):
            await db.execute("SELECT pg_current_xact_id()")


async def has_left(scene: Scene, former: str | None) -> bool:
    return await scene.has_entered() and scene.life != former
