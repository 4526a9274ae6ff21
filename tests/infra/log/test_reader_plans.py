"""However long the log is, a page costs what it delivers: no statement of a reader looks at the whole of it."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from casino_club.infra.db.database import Database, Db
from casino_club.infra.log.reader import NOTHING, Page, Position, next_page
from tests.builders.actions import a_log

ROWS = 40_000
PAGE_ROWS = 500
TOUCHED_MAX = 4 * PAGE_ROWS

FILL = """INSERT INTO user_actions (id, xact, appended_at, user_id, scope, action_type, metadata, action_timestamp,
            is_play, by_user, streak, day_plays, last_action_at)
          SELECT nextval('action_ids'), coalesce($2::text::xid8, pg_current_xact_id()), now(), n % 100 + 1, 0,
                 'SLOT_SPIN', '{}', now(), true, true, 1, 0, now() FROM generate_series(1, $1) AS n"""


class Recording:
    """A connection that remembers what it was asked."""

    def __init__(self, db: Any) -> None:
        self.db = db
        self.asked: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Any:
        async def ask(statement: str, *arguments: Any) -> Any:
            self.asked.append((statement, arguments))
            return await getattr(self.db, name)(statement, *arguments)

        return ask


@pytest.fixture
async def db(database: Database) -> AsyncIterator[Db]:
    """A connection to a log of some length, in more than one partition."""
    log = a_log(database, partition_rows=30_000)
    await log.make_room(ROWS + 10_000)
    async with database.connection() as connection:
        for _ in range(4):
            await connection.execute(FILL, ROWS // 4, None)
        await connection.execute("ANALYZE user_actions")
        yield connection


async def page_and_cost(db: Db, position: Position) -> tuple[Page, int]:
    """The next page, and how many rows its statements looked at, by the worse plan that PostgreSQL may choose."""
    recording = Recording(db)
    page = await next_page(recording, position, rows_max=PAGE_ROWS)  # type: ignore[arg-type]  # it asks in our stead
    costs = []
    for mode in ("force_custom_plan", "force_generic_plan"):
        await db.execute(f"SET plan_cache_mode = {mode}")
        costs.append(sum([await rows_touched(db, *asked) for asked in recording.asked]))
    await db.execute("RESET plan_cache_mode")
    return page, max(costs)


async def rows_touched(db: Db, statement: str, arguments: tuple[Any, ...]) -> int:
    given = ", ".join(f"'{each}'" if isinstance(each, str) else str(each) for each in arguments)
    await db.execute(f"PREPARE asked AS {statement}")
    try:
        plan = json.loads(await db.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE asked({given})"))
    finally:
        await db.execute("DEALLOCATE asked")
    return sum(
        round((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"])
        for node in nodes(plan[0]["Plan"])
        if "Relation Name" in node
    )


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


async def caught_up(db: Db, position: Position | None = None) -> Position:
    page = await next_page(db, position or Position())
    while page.rows:
        page = await next_page(db, page.after)
    return page.after


async def test_a_page_from_the_beginning_looks_at_its_own_rows(db: Db) -> None:
    page, touched = await page_and_cost(db, Position(delivered="1:1:", delivering=(await caught_up(db)).delivered))

    assert len(page.rows) == PAGE_ROWS
    assert touched <= TOUCHED_MAX


async def test_a_page_in_the_middle_goes_on_along_the_primary_key(db: Db) -> None:
    snapshot = (await caught_up(db)).delivered

    page, touched = await page_and_cost(db, Position(NOTHING, delivering=snapshot, last_id=25_000))

    assert [page.rows[0].id, page.rows[-1].id] == [25_001, 25_000 + PAGE_ROWS]
    assert touched <= TOUCHED_MAX


async def test_a_reader_that_is_caught_up_looks_at_nothing(db: Db) -> None:
    position = await caught_up(db)
    await db.execute("SELECT pg_current_xact_id()")

    page, touched = await page_and_cost(db, position)

    assert (len(page.rows), touched) == (0, 0)


async def test_a_small_pass_looks_at_what_is_new(db: Db) -> None:
    position = await caught_up(db)
    await db.execute(FILL, 100, None)

    page, touched = await page_and_cost(db, position)

    assert len(page.rows) == 100
    assert touched <= TOUCHED_MAX


async def test_a_large_pass_begins_where_the_new_rows_begin(db: Db) -> None:
    position = await caught_up(db)
    await db.execute(FILL, 5_000, None)
    await db.execute("ANALYZE user_actions")

    page, touched = await page_and_cost(db, position)

    assert len(page.rows) == PAGE_ROWS
    assert touched <= 5_000 + TOUCHED_MAX


async def test_an_old_transaction_makes_a_reader_look_at_what_came_after_it_and_no_more(
    db: Db, database: Database
) -> None:
    async with database.transaction() as holding:
        await holding.execute("SELECT pg_current_xact_id()")
        await db.execute(FILL, 2_000, None)
        position = await caught_up(db)
        await db.execute("SELECT pg_current_xact_id()")

        page, touched = await page_and_cost(db, position)

    assert page.rows == ()
    assert page.after.delivered != position.delivered
    assert touched <= 2_000 + TOUCHED_MAX


async def test_rows_of_another_clusters_transactions_are_not_looked_at_again(db: Db) -> None:
    """After a restore from a dump, rows hold transaction numbers that this cluster has yet to reach."""
    await db.execute(FILL, 8_000, "900000000000")
    floor_id = await db.fetchval("SELECT max(id) FROM user_actions")
    position = Position(delivered=await db.fetchval("SELECT pg_current_snapshot()::text"), floor_id=floor_id)
    await db.execute(FILL, 10, None)

    page, touched = await page_and_cost(db, position)
    idle, touched_idle = await page_and_cost(db, page.after)

    assert [row.id for row in page.rows] == list(range(floor_id + 1, floor_id + 11))
    assert not idle.rows
    assert touched <= TOUCHED_MAX
    assert touched_idle <= TOUCHED_MAX
