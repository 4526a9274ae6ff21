"""A reader delivers every committed row once, none that was rolled back, and each user's in the order of effect."""

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from casino_club.infra.db.database import Database, Db
from casino_club.infra.log import positions
from casino_club.infra.log.reader import next_page
from tests.builders.actions import a_log
from tests.infra.log.writers import Written, add_users, committed, faults, write_raw, write_recorded

ROWS_MIN = 10_500
SECONDS_MAX = 60.0
RAW_WRITERS = 12
OUR_WRITERS = 4

Delivered = list[tuple[int, int, int]]
Reader = Callable[[Db, Delivered], Awaitable[int]]


def a_seed() -> int:
    seed = int(os.environ.get("CASINO_CLUB_TEST_SEED") or random.randrange(2**32))
    print(f"CASINO_CLUB_TEST_SEED={seed}")  # noqa: T201 - a failure is run again with it
    return seed


@dataclass
class OurReader:
    """Follows in small pages; its position is stored and loaded again between any two of them."""

    name: str
    page_rows: int
    rng: random.Random
    paged: int = 0

    async def __call__(self, db: Db, delivered: Delivered) -> int:
        held = await positions.take(db, self.name)
        page = await next_page(db, held.position, rows_max=self.page_rows)
        rows, after = page.rows, page.after
        if rows and self.rng.random() < 0.2:
            rows = rows[: self.rng.randrange(1, len(rows) + 1)]
            after = page.until(rows[-1], held.position)
        self.paged += after.delivering is not None
        await positions.move(db, held, after)
        delivered += [(row.id, row.user_id, row.streak) for row in rows]
        return len(rows)


@dataclass
class IdBelowHorizon:
    """Wrong: an id is no position, since a transaction that drew a lower id may commit later."""

    last_id: int = 0

    async def __call__(self, db: Db, delivered: Delivered) -> int:
        rows = await db.fetch(
            """SELECT id, user_id, streak FROM user_actions
               WHERE id > $1 AND xact < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY id""",
            self.last_id,
        )
        if rows:
            self.last_id = rows[-1][0]
        delivered += [tuple(row) for row in rows]
        return len(rows)


@dataclass
class TransactionThenId:
    """Wrong: a transaction's number says when it first wrote, not when it got to the user."""

    last: tuple[int, int] = (0, 0)

    async def __call__(self, db: Db, delivered: Delivered) -> int:
        rows = await db.fetch(
            """SELECT xact::text::bigint, id, user_id, streak FROM user_actions
               WHERE (xact, id) > ($1::text::xid8, $2) AND xact < pg_snapshot_xmin(pg_current_snapshot())
               ORDER BY xact, id""",
            str(self.last[0]),
            self.last[1],
        )
        if rows:
            self.last = (rows[-1][0], rows[-1][1])
        delivered += [tuple(row)[1:] for row in rows]
        return len(rows)


@dataclass
class Following:
    reader: Reader
    delivered: Delivered = field(default_factory=list)

    async def run(self, database: Database, over: asyncio.Event) -> None:
        quiet = 0
        async with database.connection() as db:
            while quiet < 3:
                was_over = over.is_set()
                count = await self.reader(db, self.delivered)
                quiet = quiet + 1 if was_over and not count else 0
                if not count:
                    await asyncio.sleep(0.002)


async def run_writers(url: str, database: Database, seed: int, written: Written) -> None:
    deadline = time.monotonic() + SECONDS_MAX

    def enough() -> bool:
        assert time.monotonic() < deadline, f"only {written.count} rows in time"
        return written.count >= ROWS_MIN

    raw = [write_raw(url, seed + number, written, enough) for number in range(RAW_WRITERS)]
    ours = [write_recorded(database, seed + 100 + number, written, enough) for number in range(OUR_WRITERS)]
    await asyncio.gather(*raw, *ours)


async def test_every_row_is_delivered_once_in_the_order_of_effect_and_wrong_readers_are_caught(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    seed, written, over = a_seed(), Written(), asyncio.Event()
    ours = [OurReader(f"reader_{rows}", rows, random.Random(seed + rows)) for rows in (20, 150, 5_000)]
    by_id, by_transaction = Following(IdBelowHorizon()), Following(TransactionThenId())
    following = [*(Following(reader) for reader in ours), by_id, by_transaction]

    async with Database(database_url, connections_max=16) as database:
        await a_log(database).make_room()
        await add_users(database)
        readers = [asyncio.create_task(each.run(database, over)) for each in following]
        await run_writers(database_url, database, seed, written)
        over.set()
        await asyncio.gather(*readers)
        truth = await committed(database)

    found = [faults(each.delivered, truth) for each in following]
    with capsys.disabled():
        print(  # noqa: T201 - what the run has shown
            f"\nseed {seed}: {len(truth)} rows, {len(written.rolled_back)} rolled back; id cursor {found[3]}; "
            f"(xact, id) {found[4]}"
        )
    assert len(truth) >= 10_000
    assert written.rows.items() <= truth.items()
    assert not written.rolled_back & truth.keys()
    for reader, of_reader in zip(ours, found[:3], strict=True):
        assert not any(of_reader.values()), f"{reader.name}: {of_reader}"
    assert ours[0].paged > 50
    assert found[3]["lost"] > 0
    assert found[4]["lost"] == found[4]["repeated"] == 0
    assert found[4]["out of order"] > 0
