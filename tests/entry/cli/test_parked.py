"""`parked`: shown, tried again, given up."""

import pytest

from casino_club.infra.backends.hot_store import RedisHotStore
from casino_club.infra.db.database import Database
from casino_club.infra.log import parked
from tests.builders.logs import with_rows
from tests.entry.cli.calling import Club


@pytest.fixture
async def ids(database: Database) -> list[int]:
    """Rows of users 1 and 2, parked for `hot`; one that is gone from the log; one of a consumer that is no more."""
    made = await with_rows(database, [1, 2])
    async with database.transaction() as db:
        for each in made:
            await parked.park(db, "hot", each, reason="ValueError('no\nplace')", attempts=3)
        await parked.park(db, "hot", 999_999, reason="lost", attempts=3)
        await parked.park(db, "gone", made[0], reason="old", attempts=3)
    return made


async def left(database: Database) -> list[tuple[str, int]]:
    async with database.connection() as db:
        return [(row.consumer, row.action_id) for row in await parked.parked_rows(db)]


async def test_a_list_shows_rows_with_reasons_in_the_order_of_the_log(club: Club, ids: list[int]) -> None:
    plain, as_json = await club.call("parked", "list"), await club.call("parked", "list", "--consumer", "hot", "--json")

    assert "ValueError('no place')" in plain.stdout
    assert [row["action_id"] for row in as_json.json] == [*ids, 999_999]
    assert as_json.json[0]["attempts"] == 3


async def test_a_page_that_leaves_rows_out_says_how_to_go_on(club: Club, ids: list[int]) -> None:
    done = await club.call("parked", "list", "--limit", "1")

    assert "4 rows are parked in all" in done.stderr


async def test_an_empty_list_says_so(club: Club) -> None:
    assert (await club.call("parked", "list")).stdout == "No rows are parked.\n"


async def test_a_row_that_is_named_is_applied_and_released(
    club: Club, database: Database, hot_store: RedisHotStore, ids: list[int]
) -> None:
    done = await club.call("parked", "retry", "--consumer", "hot", "--id", str(ids[0]))

    assert (done.code, done.stdout) == (0, "1 row applied.\n")
    assert (await hot_store.read(1, ["last_action_ts"]))["last_action_ts"] is not None
    assert await left(database) == [("gone", ids[0]), ("hot", ids[1]), ("hot", 999_999)]


async def test_what_can_not_be_applied_stays_and_the_exit_code_is_1(
    club: Club, database: Database, ids: list[int]
) -> None:
    done = await club.call("parked", "retry", "--all", "--json")

    assert done.code == 1
    assert done.json == {"applied": 2, "parked_again": 0, "out_of_reach": 1}
    assert "gone is no consumer any more" in done.stderr
    assert await left(database) == [("gone", ids[0]), ("hot", 999_999)]


@pytest.mark.parametrize(
    ("words", "says"), [([], "--id ID, --consumer NAME, or --all"), (["--consumer", "nobody"], "there is hot")]
)
async def test_a_retry_of_nothing_in_particular_is_refused(
    club: Club, database: Database, ids: list[int], words: list[str], says: str
) -> None:
    done = await club.call("parked", "retry", *words)

    assert done.code == 2
    assert says in done.stderr
    assert len(await left(database)) == 4


async def test_a_row_is_dropped_only_when_confirmed(club: Club, database: Database, ids: list[int]) -> None:
    words = ("parked", "drop", "--consumer", "gone", "--id", str(ids[0]))

    refused = await club.call(*words, answer="n\n")
    kept = await left(database)
    dropped = await club.call(*words, "--yes")
    again = await club.call(*words, "--yes")

    assert (refused.code, len(kept)) == (1, 4)
    assert dropped.code == 0
    assert ("gone", ids[0]) not in await left(database)
    assert again.code == 1
    assert "no parked row" in again.stderr
