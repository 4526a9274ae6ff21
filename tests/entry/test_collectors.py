"""What a scrape shows of a platform: parked rows, who is silent, the disk, and whether the warehouse answers."""

import re
from pathlib import Path

import httpx
import pytest

from casino_club.entry.http import open_app
from casino_club.infra.db.database import Database
from casino_club.infra.log import parked, positions
from tests.features.actions.club import settings_for

AWAY = "http://me:hidden-word@127.0.0.1:1/x"


async def scraped(database_url: str, redis_url: str, folder: Path, warehouse_url: str | None) -> str:
    settings = settings_for(database_url, redis_url, warehouse_url=warehouse_url, data_dir=folder, disk_free_mb_min=512)
    async with open_app(settings) as app:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://casino.test") as http:
            return (await http.get("/metrics")).text


def value_of(text: str, series: str) -> float | None:
    found = re.search(rf"^{re.escape(series)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else None


async def test_what_waits_who_is_silent_and_what_is_free_are_shown(
    database: Database, database_url: str, redis_url: str, warehouse_url: str, tmp_path: Path
) -> None:
    async with database.transaction() as db:
        await positions.take(db, "hot")
        await parked.park(db, "hot", 3, reason="ValueError()", attempts=3)
        await db.execute("UPDATE log_positions SET moved_at = now() - interval '5 minutes'")

    text = await scraped(database_url, redis_url, tmp_path, warehouse_url)

    assert value_of(text, 'casino_club_parked_rows{consumer="hot"}') == 1
    assert value_of(text, 'casino_club_log_silent_seconds{consumer="hot"}') == pytest.approx(300, abs=60)
    assert value_of(text, "casino_club_disk_wanted_bytes") == 512 * 1024**2
    assert (value_of(text, "casino_club_disk_free_bytes") or 0) > 0
    assert value_of(text, "casino_club_warehouse_up") == 1
    assert " 0.0" not in "".join(line for line in text.splitlines() if line.startswith("casino_club_collector_up"))


@pytest.mark.parametrize(("url", "shown"), [(AWAY, 0.0), (None, None)])
async def test_a_warehouse_that_is_away_is_told_from_none(
    database: Database, database_url: str, redis_url: str, tmp_path: Path, url: str | None, shown: float | None
) -> None:
    text = await scraped(database_url, redis_url, tmp_path, url)

    assert value_of(text, "casino_club_warehouse_up") == shown
    assert "hidden-word" not in text
