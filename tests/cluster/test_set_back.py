"""PostgreSQL is set back to an earlier moment and stays the same server: a copy of its folder is put back, or its log
is played up to a point. Topic, warehouse and hot store remember what it has forgotten, and the ids are given out again.
"""

import asyncio
import random
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from casino_club.entry.cli.migrate import prepare
from casino_club.features.actions.jobs import warehouse as projection
from casino_club.infra import machine, places, runtime
from casino_club.infra.backends.hot_store import RedisHotStore
from casino_club.infra.backends.kafka.client import Kafka
from casino_club.infra.backends.kafka.publisher import TopicPublisher
from casino_club.infra.db import migrate
from casino_club.infra.db.database import Database, Db
from casino_club.infra.log import rebuild
from casino_club.infra.log.effects import Stores, WarehouseHome
from casino_club.infra.log.follower import Follower
from casino_club.infra.log.rebuilder import rebuild_when_asked
from casino_club.infra.log.relay import Relay
from casino_club.infra.log.subscribe import Subscription
from casino_club.infra.ports import WarehouseStore
from casino_club.infra.settings import Settings
from tests.builders.kafka import topic_source
from tests.builders.logs import Effects, hot_projection
from tests.builders.servers import forget, running_server
from tests.cluster.test_exactness import LONG_SECONDS_MAX, Scene
from tests.cluster.test_restore import ids_in_log, is_filled, lives_of
from tests.features.actions.club import settings_for
from tests.features.actions.warehoused import SEOUL, Place, write_history
from tests.infra.log.following import Table, append, eventually, following, hot_rows, last_rows
from tests.infra.supervised import make_folders

POINT = "before_the_mistake"
GONE_USER = 99
Restore = Callable[[Path, Path], None]


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """One that archives its write-ahead log beside its data."""
    settings = Settings.model_validate({"mode": "embedded", "data_dir": make_folders(folder)})
    [process] = [each for each in runtime.servers(settings) if each.name == "postgresql"]
    process.prepare()
    archive = machine.make_private_folder(cluster_of(folder).parent / "archive", process.as_user)
    options = ("-c", "archive_mode=on", "-c", f"archive_command=cp %p {archive}/%f")
    with running_server(process, folder, options):
        yield runtime.database_url(settings)


def cluster_of(folder: Path) -> Path:
    place = places.data_place(folder, "postgresql")
    assert place is not None
    return place / "data"


def copied(source: Path, target: Path) -> None:
    """With owners, which PostgreSQL looks at."""
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(["cp", "--archive", str(source), str(target)], check=True)


def put_back(cluster: Path, copy: Path) -> None:
    copied(copy, cluster)


def played_to_the_point(cluster: Path, copy: Path) -> None:
    """From the copy, which is older, up to the point and no further."""
    copied(copy, cluster)
    with (cluster / "postgresql.conf").open("a") as file:
        file.write(f"restore_command = 'cp {cluster.parent}/archive/%f %p'\nrecovery_target_name = '{POINT}'\n")
        file.write("recovery_target_action = 'promote'\nhot_standby = off\n")  # It answers once it is there.
    copied(cluster / "PG_VERSION", cluster / "recovery.signal")


class Club:
    """All that follows one log: a table in its database, a hot store, a warehouse, and the topic between them."""

    def __init__(self, database: Database, hot: RedisHotStore, store: WarehouseStore, kafka: Kafka) -> None:
        table = Table()
        self.table, self.kafka, self.database, self.hot = table, kafka, database, hot
        self.scene, self.place = Scene(database, hot, kafka, table), Place(database, store)
        self._stores = Stores(database, hot, warehouse=WarehouseHome(store, SEOUL.key))
        self._subscriptions: list[Subscription] = [projection, hot_projection(Effects())]

    @asynccontextmanager
    async def followed(self) -> AsyncIterator[None]:
        relay = Relay(self.database, TopicPublisher(self.kafka), page_rows=5, set_back=self._make_again)
        others = [Follower(each, self._stores, topic_source(self.kafka)()) for each in self._subscriptions]
        async with following(
            relay.follow(asyncio.Event()),
            *(each.follow(asyncio.Event()) for each in (self.scene.follower, *others)),
            rebuild_when_asked(self._subscriptions, self._stores),
        ):
            yield

    async def _make_again(self, db: Db) -> None:
        for each in self._subscriptions:
            await rebuild.ask_again(db, each.name)

    async def settles(self) -> None:
        """Everything agrees with the log, once the topic has been entered."""
        self.scene.ids = await ids_in_log(self.database)
        await self.scene.settles()
        assert await strangers(self.database) == [], "rows that the log does not know under their ids"
        for holds in (self.scene.has_entered, lambda: is_filled(self.place), self._shows_last_rows):
            await eventually(holds, seconds_max=LONG_SECONDS_MAX)

    async def _shows_last_rows(self) -> bool:
        return await hot_rows(self.hot) == await last_rows(self.database)


@asynccontextmanager
async def a_club(
    folder: Path, hot: RedisHotStore, store: WarehouseStore, kafka: Kafka, redis_url: str
) -> AsyncIterator[Club]:
    """Its PostgreSQL runs as long as the block lasts, and nobody follows the log yet."""
    with postgresql(folder) as url:
        await asyncio.to_thread(migrate.upgrade, url)
        await prepare(settings_for(url, redis_url, data_dir=folder))
        async with Database(url, connections_max=10) as database:
            yield Club(database, hot, store, kafka)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("restore", [put_back, played_to_the_point])
async def test_what_was_forgotten_leaves_nothing_behind_and_what_comes_instead_counts_once(
    hot_store: RedisHotStore,
    redis_url: str,
    warehouse_store: WarehouseStore,
    kafka: Kafka,
    tmp_path: Path,
    restore: Restore,
) -> None:
    servers = (tmp_path, hot_store, warehouse_store, kafka, redis_url)
    async with a_club(*servers) as club:
        await club.table.make(club.database)
        async with club.followed():
            await club.scene.append()
            await club.settles()
            await club.scene.append()  # Now the position in the topic is written down.
            await club.settles()
    copy = cluster_of(tmp_path).parent / "copy"
    copied(cluster_of(tmp_path), copy)
    async with a_club(*servers) as club, club.followed():
        await write_history(club.database, random.Random(1), rows=50)
        await club.settles()
        kept = await with_a_point(club.database)
        lost = await append(club.database, [GONE_USER, 1, 2, 3] * 15)
        await club.settles()
        former = club.scene.life

    restore(cluster_of(tmp_path), copy)

    async with a_club(*servers) as club:
        ids = await ids_in_log(club.database)
        assert (ids == kept) == (restore is played_to_the_point)
        assert not set(lost) & set(ids)
        while (again := await append(club.database, [1, 2, 4, 5, 6]))[-1] < lost[-1]:
            pass
        assert set(again) & set(lost), "nothing is tried unless ids are given again"
        club.scene.ids = await ids_in_log(club.database)
        async with club.scene.followed():  # Before the relay has looked, the topic says nothing of a new life.
            await eventually(club.scene.has_all, seconds_max=LONG_SECONDS_MAX)
            assert await strangers(club.database) == []
        async with club.followed():
            await eventually(lambda: has_left(club.scene, former), seconds_max=LONG_SECONDS_MAX)
            await append(club.database, [1, 7])
            await club.settles()
            again = await ids_in_log(club.database)
        lives = await lives_of(kafka)
    forget(tmp_path)

    assert former is not None
    del lives[former.encode()]
    [sent] = lives.values()
    assert sorted(sent) == again


async def strangers(database: Database) -> list[int]:
    """The ids under which another user was seen than the log knows."""
    async with database.connection() as db:
        rows = await db.fetch(
            "SELECT id FROM seen WHERE NOT EXISTS (SELECT FROM user_actions AS a "
            "WHERE (a.id, a.user_id) = (seen.id, seen.user_id))"
        )
    return [row[0] for row in rows]


async def with_a_point(database: Database) -> list[int]:
    """Name this moment, and have it archived; the ids that the log has then."""
    ids = await ids_in_log(database)
    async with database.connection() as db:
        await db.execute("SELECT pg_create_restore_point($1)", POINT)
        await db.execute("SELECT pg_switch_wal()")
    return ids


async def has_left(scene: Scene, former: str | None) -> bool:
    return await scene.has_entered() and scene.life != former
