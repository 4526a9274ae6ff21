"""A user made of canaries lives through everything and goes: nothing of them is found anywhere. Planted leaks are."""

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from casino_club.infra.backends.hot_store import RedisHotStore
from casino_club.infra.telemetry.logs import configure_logging
from tests.features.identity.people import PASSWORD
from tests.features.privacy.lives import Trace, live
from tests.features.privacy.offices import Bureau
from tests.features.privacy.searching import Canaries, in_files, in_hot_store, in_tables, tables_naming

OF_PROTECTION = {"protections", "protection_raises", "protection_changes", "consents"}
STAYS_BY_NUMBER = {
    *("user_actions", "action_user", "erasures", "ledger_txs", "ledger_lots", "user_rewards"),
    *("odds_draws", "odds_seeds", "game_rounds", "gacha_log", "shop_transactions"),
}
OF_GAMES = {"game_rounds", "game_standings", "gacha_log", "gacha_standings"}
OF_SHOP = {"shop_transactions"}


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
        "public.reward_proposals",
        "public.odds_client_seeds",
    }
    assert await tables_naming(bureau.database, trace.person.user_id) >= OF_PROTECTION | OF_GAMES | OF_SHOP

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
