"""`jobs`: the same reads and commands as over HTTP, for people at a terminal."""

from datetime import UTC, datetime, timedelta

from casino_club.infra.db.database import Database
from casino_club.infra.jobs import runs
from tests.builders.actions import a_log
from tests.entry.cli.calling import Club


async def test_jobs_are_listed_run_paused_and_resumed(club: Club) -> None:
    asked = await club.call("jobs", "run", "make_room")
    paused = await club.call("jobs", "pause", "make_room")
    refused = await club.call("jobs", "run", "make_room")
    listed = await club.call("jobs", "list")
    resumed = await club.call("jobs", "resume", "make_room")
    history = await club.call("jobs", "runs", "make_room", "--json")

    assert [done.code for done in (asked, paused, listed, resumed)] == [0] * 4
    assert "waits for a worker" in asked.stdout
    assert "paused" in listed.stdout
    assert (refused.code, refused.stderr) == (1, "make_room is paused; resume it first.\n")
    assert "is due at" in resumed.stdout
    assert [(run["state"], run["is_asked"]) for run in history.json] == [("due", True)]


async def test_a_failed_run_is_a_problem_until_it_is_retried(club: Club, database: Database) -> None:
    await a_log(database).make_room()
    async with database.transaction() as db:
        await runs.add(db, "make_room", datetime.now(UTC))
        held = await runs.claim(db, "make_room", None, lease_seconds=60)
        assert held is not None
        await runs.finish(db, held, error_code="no_luck")

    wrong = await club.call("status", "--json")
    again = await club.call("jobs", "retry", str(held.id))
    well = await club.call("status", "--json")

    assert wrong.code == 1
    assert "The last run of make_room failed (no_luck)" in wrong.json["problems"][0]
    assert again.stdout == f"Run {held.id} of make_room waits for a worker.\n"
    assert (well.code, well.json["problems"]) == (0, [])


async def test_a_late_job_is_a_problem_of_the_status_and_of_the_doctor(club: Club, database: Database) -> None:
    await a_log(database).make_room()
    async with database.transaction() as db:
        await runs.add(db, "make_room", datetime.now(UTC) - timedelta(minutes=5))

    status, plain, doctor = (
        await club.call("status", "--json"),
        await club.call("status"),
        await club.call("doctor", "--json"),
    )

    assert status.json["problems"][0].startswith("make_room should have begun 30")
    assert "5.0 min" in plain.stdout
    (found,) = [each for each in doctor.json["checks"] if each["check"] == "Jobs"]
    assert (found["state"], found["found"]) == ("failure", "late: make_room")


async def test_a_job_that_is_not_there_is_one_line(club: Club) -> None:
    done = await club.call("jobs", "pause", "weekly")

    assert done.code == 1
    assert done.stderr.startswith("There is no job weekly; there is archive_partitions, ")
