"""A user made of canaries lives through everything and goes: nothing of them is found anywhere. Planted leaks are."""

import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from casino_club.infra.backends.hot_store import RedisHotStore
from casino_club.infra.log import parked
from casino_club.infra.telemetry.logs import configure_logging
from tests.features.actions.club import a_key
from tests.features.identity.people import PASSWORD, Person
from tests.features.privacy.offices import Bureau
from tests.features.privacy.searching import Canaries, in_files, in_hot_store, in_tables, tables_naming
from tests.features.privacy.test_exporting import gather

STAYS_BY_NUMBER = {"user_actions", "action_user", "erasures"}


@dataclass
class Trace:
    """Somebody made of canaries, and where to look for them."""

    person: Person
    canaries: Canaries
    said: io.StringIO


@pytest.fixture
def said() -> Iterator[io.StringIO]:
    """All that our processes would write to their log files, from the least level on."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging("debug", stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)


async def live(bureau: Bureau, said: io.StringIO) -> Trace:
    """Every feature there is, with canaries wherever a person may leave anything."""
    person = bureau.house.stranger("canary-mail@example.com")
    person.nickname, person.password, person.device = "CanaryNick", "canary-password", "CanaryBrowser/7"
    assert (await person.sign_up()).status_code == 201
    first_cookie = person.cookie
    await person.log_in(password="canary-wrong-password")
    await person.log_in(email="canary-stranger@example.com")
    recovery, *more = await person.enrol()
    assert (await person.log_in(code=recovery)).status_code == 200
    assert (await person.refresh()).status_code == 200
    await person.send("PATCH", f"/api/users/{person.user_id}/profile", {"nickname": "CanaryRenamed"})
    await person.send("POST", "/api/users/verify-age", {"birth_date": "1961-07-13"})
    await person.send("GET", "/api/users/verify-age")
    await person.send("POST", "/api/actions", {"action_type": "VIEW_CONTENT", "metadata": {"content_id": "lobby"}})
    refused = {"action_type": "PURCHASE", "metadata": {"note": "canary-note"}}
    assert (await person.send("POST", "/api/actions", refused)).status_code == 403
    service = await a_key(bureau.database, "game")
    about = {"user_id": person.user_id, "action_type": "CANARY_TYPE", "metadata": {"name": "canary-by-service"}}
    await bureau.house.http.post("/api/actions", json=about, headers=service)
    malformed = f'[{{"user_id": {person.user_id}, "action_type": 7, "x": "canary-malformed"}}]'
    headers = {**service, "content-type": "application/json"}
    await bureau.house.http.post("/api/actions/batch", content=f'{{"actions": {malformed}}}', headers=headers)
    async with bureau.database.transaction() as db:
        row_id = await db.fetchval("SELECT max(id) FROM user_actions WHERE user_id = $1", person.user_id)
        await db.execute(
            "INSERT INTO identity_links VALUES ('https://login.example', $1, $2, now())", b"x", person.user_id
        )
        await db.execute("INSERT INTO waiting_logins VALUES ($1, $2, now())", b"x", person.user_id)
        await parked.park(db, "hot", row_id, reason="ValueError('canary-reason')", attempts=1)
    asked = await person.send("POST", "/api/users/me/export", {"current_password": "canary-password", "code": more[0]})
    assert asked.status_code == 202, asked.text
    await gather(bureau)
    assert (await person.send("GET", "/api/users/me/export/archive")).status_code == 200
    await bureau.project()
    asked = await person.send("POST", "/api/users/me/erasure", {"current_password": "canary-password", "code": more[1]})
    assert asked.status_code == 202, asked.text
    secrets = {person.secret, person.cookie, first_cookie, person.access_token, *more, asked.json()["receipt_code"]}
    texts = {"canary", "1961-07-13", person.address, *secrets}
    return Trace(person, Canaries(frozenset(texts)), said)


async def search(bureau: Bureau, trace: Trace, redis_url: str, folder: Path) -> list[str]:
    metrics = (await bureau.house.http.get("/metrics")).content
    return [
        *await in_tables(bureau.database, trace.canaries),
        *await in_hot_store(redis_url, trace.canaries),
        *in_files(folder, trace.canaries),
        *(f"log line: {hit}" for hit in trace.canaries.in_(trace.said.getvalue().encode())),
        *(f"metrics: {hit}" for hit in trace.canaries.in_(metrics)),
    ]


async def test_nothing_of_the_erased_is_found_in_any_store(
    bureau: Bureau, said: io.StringIO, redis_url: str, tmp_path: Path
) -> None:
    trace = await live(bureau, said)
    assert {hit.partition(":")[0] for hit in await search(bureau, trace, redis_url, tmp_path)} == {
        "public.refused_actions",
        "public.parked_rows",
    }

    await bureau.run_job()
    await bureau.project()

    assert await search(bureau, trace, redis_url, tmp_path) == []
    assert await tables_naming(bureau.database, trace.person.user_id) <= STAYS_BY_NUMBER
    async with RedisHotStore(redis_url) as store:
        left = [key async for key in store.redis.scan_iter(f"*{{{trace.person.user_id}}}*")]
    assert set(left) == {f"user:{{{trace.person.user_id}}}:{projection}_row_id" for projection in ("hot", "wallet")}
    assert len(said.getvalue()) > 1_000


async def test_what_is_sealed_is_found_by_whoever_has_the_key_so_the_search_is_not_blind(
    bureau: Bureau, said: io.StringIO
) -> None:
    trace = await live(bureau, said)

    archive = (await trace.person.send("GET", "/api/users/me/export/archive")).content
    file = bureau.folder / "export.zip"
    file.write_bytes(archive)

    assert len(in_files(bureau.folder, trace.canaries)) > 1


@pytest.mark.parametrize("place", ["column", "binary column", "log line", "hot value", "queue", "file", "file name"])
async def test_a_planted_leak_is_found(
    bureau: Bureau, said: io.StringIO, redis_url: str, tmp_path: Path, place: str
) -> None:
    trace = Trace(await bureau.house.person(), Canaries(frozenset({"canary"})), said)
    assert await search(bureau, trace, redis_url, tmp_path) == []

    match place:
        case "column" | "binary column":
            kind = "text" if place == "column" else "bytea"
            async with bureau.database.transaction() as db:
                await db.execute(f"CREATE TABLE forgotten (note {kind})")
                await db.execute("INSERT INTO forgotten VALUES ('a Canary in here')")
        case "log line":
            logging.getLogger("somewhere").debug("said %s", "canary")
        case "hot value":
            async with RedisHotStore(redis_url) as store:
                await store.redis.hset("some", "field", "canary")
        case "queue":
            async with RedisHotStore(redis_url) as store:
                await store.redis.lpush("casino_club:jobs", "canary")
        case "file":
            (tmp_path / "left").write_text("some canary")
        case "file name":
            (tmp_path / "canary").touch()

    assert len(await search(bureau, trace, redis_url, tmp_path)) >= 1


async def test_a_table_that_still_names_the_user_is_found(bureau: Bureau) -> None:
    person, _ = await bureau.leaving()
    await bureau.run_job()
    async with bureau.database.transaction() as db:
        await db.execute("CREATE TABLE forgotten (invited_by_user_id bigint)")
        await db.execute("INSERT INTO forgotten VALUES ($1)", person.user_id)

    assert await tables_naming(bureau.database, person.user_id) - STAYS_BY_NUMBER == {"forgotten"}


async def test_people_who_stay_lose_nothing(bureau: Bureau, redis_url: str) -> None:
    staying = await bureau.house.person()
    await staying.send("POST", "/api/actions", {"action_type": "PURCHASE"})
    await bureau.leaving()
    await bureau.project()
    await bureau.run_job()
    await bureau.project()

    assert (await staying.log_in(password=PASSWORD)).status_code == 200
    async with bureau.database.connection() as db:
        assert await db.fetchval("SELECT count(*) FROM refused_actions WHERE sender_user_id = $1", staying.user_id) == 1
    async with RedisHotStore(redis_url) as store:
        assert await store.read(staying.user_id, ["last_action_ts"]) != {"last_action_ts": None}
