"""The engine is killed in the middle of inserts, views included, and every figure is right in the end.

CASINO_CLUB_TEST_KILLS says how often it is killed.
"""

import asyncio
import os
import random
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import cast

import pytest

from casino_club.infra import children, runtime
from casino_club.infra.backends import warehouse as adapter
from casino_club.infra.backends.warehouse import ClickHouseWarehouse
from casino_club.infra.db.database import Database
from casino_club.infra.log import positions
from casino_club.infra.ports import Block, WarehouseAway, WarehouseStore
from casino_club.infra.server_process import ServerProcess
from casino_club.infra.settings import Settings
from tests.features.actions.warehoused import USER_DAYS, USERS, Place, user_days, users, write_history

KILLS = int(os.environ.get("CASINO_CLUB_TEST_KILLS", "8"))
PAGE_ROWS = 60
PART_SECONDS_MAX = 20.0


class Mortal:
    """An engine that can be killed while it inserts, and started again.

    It is killed once the page's rows are on the disk, which is before its views have theirs, or a moment later.
    """

    def __init__(self, folder: Path, rng: random.Random) -> None:
        settings = Settings.model_validate({"mode": "embedded", "data_dir": folder})
        process = runtime.warehouse_server(settings)
        assert process is not None
        for name in ("run", "logs"):
            (folder / name).mkdir()
        self._process: ServerProcess = process
        self._settings, self._log, self._rng = settings, folder / "logs" / "warehouse.log", rng
        self._child: subprocess.Popen[bytes] | None = None
        self._kills_left = 0
        self._parts = folder
        self.store: ClickHouseWarehouse

    async def start(self) -> None:
        self._process.prepare()
        self._child = children.spawn(self._process, self._log)
        async with asyncio.timeout(60):
            while not await self._process.is_ready():  # noqa: ASYNC110 - it rings no bell
                await asyncio.sleep(0.02)
        url = runtime.warehouse_url(self._settings)
        assert url is not None
        self.store = ClickHouseWarehouse(url)

    def kill_in_next_insert(self, folder: Path) -> None:
        """The folder is that of the table's parts."""
        self._kills_left, self._parts = 1, folder

    def _wait_for_part(self, is_over: Callable[[], bool]) -> None:
        known, give_up = parts_in(self._parts), time.monotonic() + PART_SECONDS_MAX
        while parts_in(self._parts) <= known and not is_over():
            assert time.monotonic() < give_up, "the page never came"

    async def insert(self, table: str, block: Block, *, database: str, token: str) -> None:
        inserting = asyncio.create_task(self.store.insert(table, block, database=database, token=token))
        if self._kills_left:
            self._kills_left -= 1
            await asyncio.to_thread(self._wait_for_part, inserting.done)
            await asyncio.sleep(self._rng.choice((0, 0, 0.002, 0.01)))
            await self.end()
            await asyncio.gather(inserting, return_exceptions=True)
            raise WarehouseAway("killed")
        await inserting

    async def end(self) -> None:
        assert self._child is not None
        self._child.kill()
        self._child.wait()

    def __getattr__(self, name: str) -> object:
        return getattr(self.store, name)


def parts_in(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir() if each.name[0].isdigit()}


@pytest.fixture
async def mortal(tmp_path: Path) -> AsyncIterator[Mortal]:
    engine = Mortal(tmp_path, random.Random(1))
    await engine.start()
    yield engine
    await engine.store.__aexit__()
    await engine.end()


async def killed_and_caught_up(place: Place, mortal: Mortal, *, kills: int) -> None:
    """The engine is killed in one page after the other."""
    async with place.database.connection() as db:
        follower = place.follower(page_rows=PAGE_ROWS)
        await follower.effect.settle(db, await positions.take(db, follower.subscription.name))
    for _ in range(kills):
        [[[folder]]] = await place.rows("SELECT data_paths FROM system.tables WHERE name = 'actions'")
        mortal.kill_in_next_insert(Path(folder))
        with pytest.raises(WarehouseAway):
            await place.catch_up(place.follower(page_rows=PAGE_ROWS))
        await mortal.store.__aexit__()
        await mortal.start()
    await place.catch_up(place.follower(page_rows=PAGE_ROWS))


async def figures_are_right(place: Place) -> bool:
    logged = await place.logged()
    return (
        await place.rows(USER_DAYS) == user_days(logged)
        and await place.rows(USERS) == users(logged)
        and await place.rows("SELECT count(), uniqExact(id) FROM actions") == [[len(logged), len(logged)]]
    )


@pytest.mark.timeout(600)
async def test_killed_in_the_middle_of_inserts_every_figure_is_right(database: Database, mortal: Mortal) -> None:
    place = Place(database, cast("WarehouseStore", mortal))
    await write_history(database, random.Random(4), rows=PAGE_ROWS * (KILLS + 2))

    await killed_and_caught_up(place, mortal, kills=KILLS)

    assert await figures_are_right(place)


@pytest.mark.timeout(600)
async def test_without_the_views_part_of_the_token_a_kill_leaves_them_short(
    database: Database, mortal: Mortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the settings are for: the page is known again, so its views never see it."""
    mutant: Mapping[str, int] = {**adapter.INSERTED_ONCE, "deduplicate_blocks_in_dependent_materialized_views": 0}
    monkeypatch.setattr(adapter, "INSERTED_ONCE", mutant)
    place = Place(database, cast("WarehouseStore", mortal))

    await write_history(database, random.Random(4), rows=PAGE_ROWS * 10)

    await killed_and_caught_up(place, mortal, kills=8)

    assert not await figures_are_right(place)
    assert await place.rows("SELECT count() - uniqExact(id) FROM actions") == [[0]]
