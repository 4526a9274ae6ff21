"""What staff see and may do, over the real application: status, shape, permission."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from casino_club.entry.wiring import jobs
from casino_club.features.operations import store
from casino_club.features.operations.commands import conservation
from casino_club.features.operations.rules import Minute
from casino_club.infra.db.database import Database
from casino_club.infra.jobs import runs
from casino_club.infra.log import parked, positions
from casino_club.kernel.subject import Scope
from tests.builders.actions import a_log
from tests.builders.logs import with_rows
from tests.features.actions.club import Club, a_key, as_user, open_club

ADMIN = "/api/admin"
READS = ("jobs", "jobs/make_room/runs", "log/positions", "parked-rows", "health", "conservation")
WRITES = (
    *("jobs/make_room/run", "jobs/make_room/pause", "jobs/make_room/resume", "runs/1/retry"),
    *("parked-rows/hot/1/retry", "parked-rows/hot/1/drop"),
)


@pytest.fixture
async def club(database: Database, database_url: str, redis_url: str) -> AsyncIterator[Club]:
    await a_log(database).make_room()
    async with open_club(database, database_url, redis_url) as opened:
        yield opened


async def do(club: Club, path: str) -> Any:
    return await club.http.post(f"{ADMIN}/{path}", headers=club.service)


async def job_now(club: Club, name: str = "make_room") -> Any:
    answer = await club.get(f"{ADMIN}/jobs")
    return next(each for each in answer.json()["jobs"] if each["name"] == name)


async def fail(club: Club, *, progress: str | None = None) -> int:
    """A run that failed; its id."""
    async with club.database.transaction() as db:
        await runs.add(db, "make_room", datetime.now(UTC))
        held = await runs.claim(db, "make_room", None, lease_seconds=60)
        assert held is not None
        if progress:
            await runs.reach(db, held, progress)
        await runs.finish(db, held, error_code="no_luck")
    return held.id


@pytest.mark.parametrize("path", READS)
async def test_reads_are_for_staff_and_for_services_with_the_scope(club: Club, path: str) -> None:
    reader = await a_key(club.database, "reader", [Scope.OPERATIONS_READ])
    other = await a_key(club.database, "other", [each for each in Scope if each is not Scope.OPERATIONS_READ])

    found = [
        (await club.get(f"{ADMIN}/{path}", caller=caller)).status_code for caller in (reader, other, as_user(7), {})
    ]

    assert found == [200, 403, 403, 401]


@pytest.mark.parametrize("path", WRITES)
async def test_writes_need_a_scope_of_their_own(club: Club, path: str) -> None:
    writer = await a_key(club.database, "writer", [Scope.OPERATIONS_WRITE])
    reader = await a_key(club.database, "reader", [each for each in Scope if each is not Scope.OPERATIONS_WRITE])

    found = [
        (await club.http.post(f"{ADMIN}/{path}", headers=caller)).status_code
        for caller in (writer, reader, as_user(7), {})
    ]

    assert found[0] in (200, 202, 404)
    assert found[1:] == [403, 403, 401]


async def test_every_job_is_listed_with_when_it_is_due(club: Club) -> None:
    answer = await club.get(f"{ADMIN}/jobs")

    assert answer.status_code == 200
    assert [each["name"] for each in answer.json()["jobs"]] == sorted(each.name for each in jobs())
    assert answer.json()["has_leader"] is False
    room = await job_now(club)
    assert room["every_seconds"] == 30
    assert datetime.fromisoformat(room["next_due_at"]) > datetime.now(UTC)
    assert (room["last_run"], room["overdue_seconds"]) == (None, 0)


async def test_a_run_that_is_asked_for_waits_for_a_worker_and_is_the_same_when_asked_again(club: Club) -> None:
    first, second = await do(club, "jobs/make_room/run"), await do(club, "jobs/make_room/run")

    assert first.status_code == second.status_code == 202
    assert first.json() == second.json()
    assert (first.json()["state"], first.json()["is_asked"]) == ("due", True)
    assert (await job_now(club))["last_run"]["id"] == first.json()["id"]


async def test_a_paused_job_is_not_due_and_can_not_be_run(club: Club) -> None:
    paused = await do(club, "jobs/make_room/pause")
    refused = await do(club, "jobs/make_room/run")
    resumed = await do(club, "jobs/make_room/resume")

    assert paused.json()["paused_at"] is not None
    assert paused.json()["next_due_at"] is None
    assert (refused.status_code, refused.json()["code"]) == (409, "job_paused")
    assert resumed.json()["paused_at"] is None
    assert (await do(club, "jobs/make_room/run")).status_code == 202


async def test_runs_are_paged_newest_first(club: Club) -> None:
    made = [await fail(club) for _ in range(3)]

    first = (await club.get(f"{ADMIN}/jobs/make_room/runs", limit=2)).json()
    rest = (await club.get(f"{ADMIN}/jobs/make_room/runs", limit=2, cursor=first["next_cursor"])).json()

    assert [run["id"] for run in first["runs"] + rest["runs"]] == made[::-1]
    assert rest["next_cursor"] is None
    assert first["runs"][0]["error_code"] == "no_luck"
    assert first["runs"][0]["seconds"] >= 0


async def test_a_failed_run_can_be_wanted_again_once(club: Club) -> None:
    run_id = await fail(club, progress="user 7")

    again, twice = await do(club, f"runs/{run_id}/retry"), await do(club, f"runs/{run_id}/retry")

    assert again.status_code == 202
    assert (again.json()["state"], again.json()["progress"]) == ("due", "user 7")
    assert (twice.status_code, twice.json()["code"]) == (409, "run_not_failed")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("jobs/weekly/run", "job_missing"),
        ("jobs/weekly/pause", "job_missing"),
        ("jobs/weekly/resume", "job_missing"),
        ("runs/99/retry", "run_missing"),
        ("parked-rows/nobody/1/retry", "consumer_missing"),
        ("parked-rows/hot/99/retry", "parked_row_missing"),
        ("parked-rows/hot/99/drop", "parked_row_missing"),
    ],
)
async def test_what_is_not_there_is_refused(club: Club, path: str, code: str) -> None:
    answer = await do(club, path)

    assert (answer.status_code, answer.json()["code"]) == (404, code)


async def test_readers_and_their_lag_are_shown(club: Club) -> None:
    await with_rows(club.database, [1, 2])
    async with club.database.transaction() as db:
        await positions.take(db, "hot")

    answer = (await club.get(f"{ADMIN}/log/positions")).json()

    assert [(reader["consumer"], reader["rows"]) for reader in answer["readers"]] == [("hot", 2)]
    assert answer["holder"] is None


async def test_parked_rows_are_paged_retried_and_dropped(club: Club) -> None:
    ids = await with_rows(club.database, [1, 2])
    async with club.database.transaction() as db:
        for consumer in ("hot", "another"):
            for row_id in ids:
                await parked.park(db, consumer, row_id, reason="ValueError()", attempts=3)

    found, cursor = [], None
    for _ in range(4):
        page = (await club.get(f"{ADMIN}/parked-rows", limit=1, **({"cursor": cursor} if cursor else {}))).json()
        found += [(row["action_id"], row["consumer"]) for row in page["parked"]]
        cursor = page["next_cursor"]
    retried = await do(club, f"parked-rows/hot/{ids[0]}/retry")
    dropped = await do(club, f"parked-rows/another/{ids[0]}/drop")

    assert found == [(row_id, consumer) for row_id in ids for consumer in ("another", "hot")]
    assert retried.json() == {"applied": 1, "parked_again": 0, "out_of_reach": 0}
    assert dropped.status_code == 204
    left = (await club.get(f"{ADMIN}/parked-rows")).json()["parked"]
    assert [(row["action_id"], row["consumer"]) for row in left] == [(ids[1], "another"), (ids[1], "hot")]
    assert (await club.get(f"{ADMIN}/parked-rows", cursor="nonsense")).status_code == 422


async def test_health_says_what_status_says(club: Club) -> None:
    well = (await club.get(f"{ADMIN}/health")).json()
    run_id = await fail(club)
    unwell = (await club.get(f"{ADMIN}/health")).json()

    assert (well["ok"], well["problems"]) == (True, [])
    assert well["postgresql"]["answers"]
    assert well["redis"]["answers"]
    assert well["log"]["ids_ahead"] > 0
    assert unwell["ok"] is False
    assert unwell["problems"] == [
        f"The last run of make_room failed (no_luck); see the worker's log, then `casino-club jobs retry {run_id}`."
    ]


async def test_conservation_is_told_minute_by_minute_and_in_a_sentence(club: Club) -> None:
    await club.database.run(conservation.begin)
    body = {"actions": [{"user_id": 1, "action_type": "VIEW_CONTENT"}, 5]}
    await club.post("/api/actions/batch", body)

    await conservation.take_stock(club.database, {}, now=lambda: datetime.now(UTC))
    found = (await club.get(f"{ADMIN}/conservation")).json()
    [minute] = found["minutes"]

    assert (found["ok"], found["open_minutes"], found["in_flight"], found["next_cursor"]) == (True, 0, 0, None)
    assert found["sentence"].startswith("Every minute that is due has closed")
    assert (minute["received"], minute["stored"], minute["stored_by_senders"]) == (2, 1, 1)
    assert (minute["refused"], minute["differences"], minute["lags"]) == ({"invalid_action": 1}, {}, {})


async def test_a_minute_that_does_not_close_is_shown_in_words_and_figures_and_raises_the_alarm(club: Club) -> None:
    await club.database.run(conservation.begin)
    then = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=10)
    minutes = [Minute(then - timedelta(minutes=each), then, received=3, accepted=3, stored=2) for each in range(3)]
    async with club.database.transaction() as db:
        await store.save_minutes(db, minutes)
        await db.execute("UPDATE conservation_minutes SET closed_at = minute, stored = 3 WHERE minute = $1", then)

    found = (await club.get(f"{ADMIN}/conservation", state="open", limit=1)).json()
    rest = (await club.get(f"{ADMIN}/conservation", state="open", limit=1, cursor=found["next_cursor"])).json()
    scraped = (await club.http.get("/metrics")).text

    assert (found["ok"], found["open_minutes"]) == (False, 2)
    assert found["minutes"][0]["differences"] == {"stored": -1}
    assert found["minutes"][0]["sentence"] == "1 missing in the log."
    assert datetime.fromisoformat(found["minutes"][0]["open_since"]) == then
    assert datetime.fromisoformat(rest["minutes"][0]["minute"]) == then - timedelta(minutes=2)
    assert "casino_club_conservation_open_minutes 2.0" in scraped
    assert 'casino_club_conservation_difference{side="stored"} 2.0' in scraped


async def test_nobody_taking_stock_raises_the_alarm(club: Club) -> None:
    await club.database.run(conservation.begin)
    async with club.database.transaction() as db:
        await db.execute("UPDATE log_positions SET moved_at = now() - interval '5 minutes'")

    found = (await club.get(f"{ADMIN}/conservation")).json()

    assert (found["ok"], found["open_minutes"]) == (False, 5)
    assert found["sentence"].startswith("Nobody has taken stock for 300 s")
