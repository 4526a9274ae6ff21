"""A dump from before an erasure, restored with PostgreSQL's own tools: whoever had gone goes again at once."""

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from casino_club.entry.cli.migrate import prepare
from casino_club.infra.db.database import Database
from casino_club.infra.privacy.journal import Journal
from tests.builders.dumps import dump, restore
from tests.features.actions.club import settings_for
from tests.features.identity.people import PASSWORD, Person
from tests.features.privacy.offices import Bureau, open_bureau

MINE = "/api/users/me/erasure"
_numbers = itertools.count(1)


@dataclass
class Dumps:
    """Takes a dump of a database, and restores it as another one of the same cluster."""

    url: str
    file: Path

    async def take(self) -> None:
        await dump(self.url, self.file)

    async def restore(self) -> str:
        name = f"restored_{next(_numbers)}"
        target = urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))
        maker = await asyncpg.connect(self.url)
        await maker.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        await maker.close()
        await restore(self.file, target)
        return target


@pytest.fixture
async def dumps(database_url: str, tmp_path: Path) -> AsyncIterator[Dumps]:
    yield Dumps(database_url, tmp_path / "club.dump")
    maker = await asyncpg.connect(database_url)
    for (name,) in await maker.fetch("SELECT datname FROM pg_database WHERE datname LIKE 'restored%'"):
        await maker.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await maker.close()


async def start_again(url: str, redis_url: str, folder: Path) -> None:
    """What `up` and `migrate` do before anybody is served."""
    await prepare(settings_for(url, redis_url, data_dir=folder))


@pytest.mark.parametrize("is_elsewhere", [False, True], ids=["in the same cluster", "in another cluster"])
async def test_a_dump_from_before_an_erasure_brings_nobody_back(
    bureau: Bureau, dumps: Dumps, redis_url: str, tmp_path: Path, is_elsewhere: bool
) -> None:
    person, other = await bureau.house.person(), await bureau.house.person()
    await dumps.take()
    code = (await person.send("POST", MINE, {"current_password": PASSWORD})).json()["receipt_code"]
    await bureau.run_job()
    assert (await bureau.receipt(code))["state"] == "done"
    url = await dumps.restore()
    if is_elsewhere:
        await _pretend_to_come_from_elsewhere(url)

    await start_again(url, redis_url, tmp_path)

    async with Database(url, connections_max=4) as restored, open_bureau(restored, url, redis_url, tmp_path) as again:
        returning = _same(person, again)
        assert (await returning.log_in()).json()["code"] == "wrong_credentials"
        assert (await returning.send("GET", "/api/users/sessions")).status_code == 401
        assert (await again.receipt(code))["state"] == "done"
        assert (await again.house.logged(person.user_id))[-1] == "USER_ERASED"
        assert await _rows_of(restored, person.user_id) == 0
        assert (await _same(other, again).log_in()).status_code == 200


async def test_a_process_that_was_started_too_early_is_not_ready_until_the_erased_are_gone_again(
    bureau: Bureau, dumps: Dumps, redis_url: str, tmp_path: Path
) -> None:
    await dumps.take()
    await bureau.leaving()
    await bureau.run_job()
    assert (await bureau.house.http.get("/readyz")).status_code == 200
    url = await dumps.restore()

    async with Database(url, connections_max=4) as restored, open_bureau(restored, url, redis_url, tmp_path) as again:
        before = await again.house.http.get("/readyz")
        await start_again(url, redis_url, tmp_path)
        after = await again.house.http.get("/readyz")

    assert before.status_code == 503
    assert [name for name, one in before.json()["dependencies"].items() if one["state"] == "down"] == ["erasures"]
    assert after.status_code == 200


async def test_without_its_journal_the_dump_would_bring_the_user_back(
    bureau: Bureau, dumps: Dumps, redis_url: str, tmp_path: Path
) -> None:
    person = await bureau.house.person()
    await dumps.take()
    await person.send("POST", MINE, {"current_password": PASSWORD})
    await bureau.run_job()
    url = await dumps.restore()
    Journal(tmp_path / "archive" / "log" / "erasures.jsonl").path.unlink()

    await start_again(url, redis_url, tmp_path)

    async with Database(url, connections_max=4) as restored:
        assert await _rows_of(restored, person.user_id) > 0


async def test_wishes_that_wait_and_those_taken_back_are_restored_too(
    bureau: Bureau, dumps: Dumps, redis_url: str, tmp_path: Path
) -> None:
    staying, waiting = await bureau.house.person(), await bureau.house.person()
    await staying.send("POST", MINE, {"current_password": PASSWORD})
    await dumps.take()
    await staying.send("DELETE", MINE)
    code = (await waiting.send("POST", MINE, {"current_password": PASSWORD})).json()["receipt_code"]
    await bureau.run_job(after=bureau.office.grace / 2)
    url = await dumps.restore()

    await start_again(url, redis_url, tmp_path)

    async with Database(url, connections_max=4) as restored, open_bureau(restored, url, redis_url, tmp_path) as again:
        assert (await again.receipt(code))["state"] == "asked"
        await again.run_job()
        assert (await again.receipt(code))["state"] == "done"
        assert (await _same(staying, again).log_in()).status_code == 200


async def test_a_number_that_was_erased_is_given_to_nobody_again(
    bureau: Bureau, dumps: Dumps, redis_url: str, tmp_path: Path
) -> None:
    await dumps.take()
    person, _ = await bureau.leaving()
    await bureau.run_job()
    url = await dumps.restore()

    await start_again(url, redis_url, tmp_path)

    async with Database(url, connections_max=4) as restored, open_bureau(restored, url, redis_url, tmp_path) as again:
        newcomer = await again.house.person()
        assert newcomer.user_id > person.user_id
        assert (await newcomer.send("GET", f"/api/users/{newcomer.user_id}/profile")).status_code == 200
        await start_again(url, redis_url, tmp_path)
        assert (await newcomer.log_in()).status_code == 200


def _same(person: Person, bureau: Bureau) -> Person:
    token = person.access_token
    return Person(bureau.house.http, person.email, user_id=person.user_id, access_token=token, cookie=person.cookie)


async def _pretend_to_come_from_elsewhere(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(
        "INSERT INTO log_origin SELECT system_identifier - 1, 0, '1:1:' FROM pg_control_system() ON CONFLICT DO NOTHING"
    )
    await connection.close()


async def _rows_of(database: Database, user_id: int) -> int:
    async with database.connection() as db:
        found = [
            await db.fetchval(f"SELECT count(*) FROM {table} WHERE {column} = $1", user_id)
            for table, column in (("users", "id"), ("user_keys", "user_id"), ("user_data", "user_id"))
        ]
    return sum(found)
