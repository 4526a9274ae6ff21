"""`consumers`: shown, and forgotten once nothing reads the log for them any more."""

from casino_club.infra.db.database import Database
from casino_club.infra.log import parked, positions
from casino_club.infra.log.leading import leading
from tests.builders.logs import with_rows
from tests.entry.cli.calling import Club


async def begun(database: Database) -> None:
    """`hot`, and one that was in an earlier version, with a parked row."""
    [row_id] = await with_rows(database, [1])
    async with database.transaction() as db:
        await positions.take(db, "hot")
        await positions.take(db, "gone")
        await positions.take(db, "gone", 1)
        await parked.park(db, "gone", row_id, reason="old", attempts=3)


async def left(club: Club) -> list[tuple[str, bool]]:
    found = (await club.call("consumers", "list", "--json")).json
    return [(each["consumer"], each["is_subscribed"]) for each in found]


async def test_a_consumer_that_is_no_more_is_named_and_forgotten_with_all_that_is_its(
    club: Club, database: Database
) -> None:
    await begun(database)

    named = await club.call("status")
    plain = await club.call("consumers", "list")
    done = await club.call("consumers", "forget", "gone", answer="y\n")

    assert "casino-club consumers forget gone" in " ".join(named.stdout.split())
    assert "no; see" in plain.stdout
    assert done.code == 0
    assert "gone is forgotten, with 1 parked row." in done.stdout
    assert await left(club) == [("hot", True)]
    assert "gone" not in (await club.call("status")).stdout
    assert (await club.call("parked", "list")).stdout == "No rows are parked.\n"


async def test_what_is_subscribed_unknown_or_not_confirmed_stays(club: Club, database: Database) -> None:
    await begun(database)

    subscribed = await club.call("consumers", "forget", "hot", "--yes")
    unknown = await club.call("consumers", "forget", "nobody", "--yes")
    unsure = await club.call("consumers", "forget", "gone", answer="n\n")

    assert (subscribed.code, unknown.code, unsure.code) == (2, 1, 1)
    assert "no more can be forgotten" in subscribed.stderr
    assert sorted(set(await left(club))) == [("gone", False), ("hot", True)]


async def test_one_that_an_older_process_still_reads_for_stays(club: Club, database: Database) -> None:
    await begun(database)

    async with leading(database, "gone"):
        refused = await club.call("consumers", "forget", "gone", "--yes")

    assert refused.code == 1
    assert "stop it first" in refused.stderr
    assert ("gone", False) in await left(club)
