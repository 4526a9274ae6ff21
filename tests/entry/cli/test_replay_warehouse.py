"""`replay` with hashes, and of one user."""

import pytest

from casino_club.features.actions.jobs import hot
from casino_club.features.actions.rules.admission import ActionPolicy
from casino_club.infra.backends.hot_store import RedisHotStore
from casino_club.infra.db.database import Database
from casino_club.infra.log import rebuild
from casino_club.infra.log.effects import Stores
from casino_club.infra.ports import HotValue, HotWrite, WarehouseStore
from tests.builders.actions import a_policy
from tests.builders.logs import with_rows
from tests.entry.cli.calling import Club, Done
from tests.features.actions.warehoused import Place
from tests.infra.log.following import catch_up


@pytest.fixture
def place(database: Database, warehouse_store: WarehouseStore) -> Place:
    return Place(database, warehouse_store)


@pytest.fixture
def housed(club: Club, warehouse_url: str, place: Place) -> Club:
    return club.with_settings(warehouse_url=warehouse_url.rsplit("/", 1)[0] + "/" + place.store.database)


async def test_a_replay_of_the_warehouse_is_verified_by_its_hashes(housed: Club, place: Place) -> None:
    await with_rows(place.database, [1, 2, 1])
    await place.catch_up()

    done = await housed.call("replay", "warehouse", "--verify", "--json")

    assert done.code == 0, done.stderr
    before, after = done.json["verified"]
    assert before == after
    assert [each[:2] for each in after[1]] == [["actions", 3], ["user_days", 2], ["users", 2]]


async def test_a_difference_is_shown_and_ends_with_1(housed: Club, place: Place) -> None:
    await with_rows(place.database, [1, 2, 1])
    await place.catch_up()
    name = (await place.rows("SELECT currentDatabase()"))[0][0]
    await place.store.run("TRUNCATE TABLE users", database=name)

    done = await housed.call("replay", "warehouse", "--verify")

    assert done.code == 1
    assert "It differs from what was shown before." in done.stdout


async def test_what_cannot_be_taken_over_is_refused_before_anything_is_asked_for(housed: Club, place: Place) -> None:
    await with_rows(place.database, [1, 2, 1])
    await place.catch_up()

    done = await housed.call("replay", "warehouse", "--from", "5000")

    assert done.code != 0
    assert "begin at an earlier id" in done.stderr
    async with place.database.connection() as db:
        assert await rebuild.asked_for(db) == []


async def test_one_user_of_the_warehouse_is_compared(housed: Club, place: Place) -> None:
    await with_rows(place.database, [1, 2, 1])
    await place.catch_up()
    same = await housed.call("replay", "warehouse", "--user", "1")
    name = (await place.rows("SELECT currentDatabase()"))[0][0]
    await place.store.run("TRUNCATE TABLE users", database=name)

    different = await housed.call("replay", "warehouse", "--user", "1")

    assert (same.code, different.code) == (0, 1)
    assert "DIFFERS" in different.stdout
    assert "casino-club replay warehouse" in different.stdout


async def test_without_a_warehouse_a_line_says_how_to_name_one(club: Club) -> None:
    done = await club.call("replay", "warehouse")

    assert done.code == 1
    assert done.stderr == "There is no warehouse; name one in CASINO_CLUB_WAREHOUSE_URL.\n"


async def test_one_users_hot_values_are_derived_again(club: Club, database: Database, hot_store: RedisHotStore) -> None:
    ids = await with_rows(database, [1, 2, 1])
    await catch_up(hot, Stores(database, hot_store, {ActionPolicy: a_policy()}))
    right = await hot_store.digest(hot.name, hot.hot_names)
    wrong = {"last_action_ts": HotValue("wrong"), "streak_count": HotValue("99")}
    await hot_store.apply_apart("hot", [HotWrite(1, ids[-1] + 1_000, wrong)])

    done = await club.call("replay", "hot", "--user", "1", "--json")

    assert done.json == {"user_id": 1, "rows": 2}
    assert await hot_store.digest(hot.name, hot.hot_names) == right


async def test_status_and_doctor_tell_of_the_warehouse(housed: Club, place: Place) -> None:
    await with_rows(place.database, [1])
    await place.catch_up()

    status = await housed.call("status", "--json")
    doctor = await housed.call("doctor", "--json")
    away = await housed.with_settings(warehouse_url="http://me:hidden-word@127.0.0.1:1/x").call("status", "--json")

    assert status.json["warehouse"]["answers"] is True
    assert status.json["warehouse"]["generation"] >= 1
    assert [each["state"] for each in doctor.json["checks"] if each["check"] == "Warehouse"] == ["ok"]
    assert away.json["warehouse"]["answers"] is False
    assert "CASINO_CLUB_WAREHOUSE_URL" in away.json["warehouse"]["problem"]
    assert "hidden-word" not in away.stdout


async def test_a_log_restored_from_a_dump_asks_for_new_tables(housed: Club, place: Place) -> None:
    await with_rows(place.database, [1])
    await place.catch_up()
    async with place.database.transaction() as db:
        await db.execute("INSERT INTO log_origin VALUES (1, 0, '1:1:')")

    done = await housed.call("migrate")

    assert done.code == 0, done.stderr
    async with place.database.connection() as db:
        assert await rebuild.asked_for(db) == ["warehouse"]


async def test_migrate_makes_the_tables_once_and_says_so(housed: Club, place: Place) -> None:
    first, second = await housed.call("migrate"), await housed.call("migrate")
    await with_rows(place.database, [1, 2])
    await place.catch_up()

    assert "ran tables_0001_actions.sql in the warehouse" in first.stdout
    assert second.stdout.splitlines()[-1] == "The warehouse's tables are current."
    assert await place.rows("SELECT currentDatabase(), count() FROM actions") == [[f"{place.store.database}_1", 2]]


async def test_a_warehouse_that_is_away_does_not_keep_a_database_from_being_migrated(club: Club) -> None:
    done = await club.with_settings(warehouse_url="http://me:hidden-word@127.0.0.1:1/x").call("migrate")

    assert done.code == 0
    assert "The warehouse's tables are as they were" in done.stdout
    assert "A consumer sees to them" in done.stdout
    assert "hidden-word" not in done.stdout


async def test_tables_of_an_older_version_are_told_and_brought_up_to_date(housed: Club, place: Place) -> None:
    await housed.call("migrate")
    name = (await place.rows("SELECT currentDatabase()"))[0][0]
    await place.store.run("TRUNCATE TABLE schema_versions", database=name)

    status, doctor = await housed.call("status", "--json"), await housed.call("doctor", "--json")
    migrated = await housed.call("migrate")
    after = await housed.call("doctor", "--json")

    [lack] = [each for each in status.json["problems"] if "The warehouse's tables lack tables_0001_actions.sql" in each]
    assert lack.endswith("run `casino-club migrate`.")
    assert tables_of(doctor) == "failure"
    assert "ran tables_0001_actions.sql" in migrated.stdout
    assert tables_of(after) == "ok"


def tables_of(doctor: Done) -> str:
    [state] = [each["state"] for each in doctor.json["checks"] if each["check"] == "Warehouse's tables"]
    return str(state)
