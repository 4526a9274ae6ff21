"""PostgreSQL that is killed forgets transactions that nobody waited for, and gives their numbers away again. What Kafka
was told of them must not hide the rows that come under these numbers.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import Popen

import psutil
import pytest

from casino_club.infra import runtime
from casino_club.infra.backends.kafka.client import Kafka
from casino_club.infra.backends.kafka.record import last_record
from casino_club.infra.db import migrate
from casino_club.infra.db.database import Database
from casino_club.infra.log.snapshots import parsed
from casino_club.infra.settings import Settings
from tests.builders.kafka import messages, relaying, rows_in
from tests.builders.servers import forget, running_server
from tests.cluster.test_relay import is_sent
from tests.infra.log.following import append, eventually

FORGETFUL = ("-c", "wal_writer_delay=10s", "-c", "wal_writer_flush_after=2GB")
"""What nobody waits for stays in memory."""
USERS = [1, 2, 3, 4, 5]
TRANSACTIONS = 50


@contextmanager
def postgresql(folder: Path) -> Iterator[tuple[str, "Popen[bytes]"]]:
    settings = Settings.model_validate({"mode": "embedded", "data_dir": folder})
    [process] = [each for each in runtime.servers(settings) if each.name == "postgresql"]
    with running_server(process, folder, FORGETFUL) as child:
        yield runtime.database_url(settings), child


def cut_power(child: "Popen[bytes]") -> None:
    server = psutil.Process(child.pid)
    for process in [*server.children(recursive=True), server]:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    child.wait()


async def finish_without_waiting(database: Database) -> int:
    """Transactions that are over for everybody to see, and on no disk; the number of the last one."""
    number = 0
    for _ in range(TRANSACTIONS):
        async with database.transaction("SET LOCAL synchronous_commit = off") as db:
            number = await db.fetchval("SELECT pg_current_xact_id()::text::bigint")
    return number


async def tells_of(kafka: Kafka, number: int) -> bool:
    """Whether the relay's position in Kafka shows this transaction."""
    record = await asyncio.to_thread(lambda: last_record(kafka, kafka.admin()))
    return record is not None and parsed(record.position.delivered).shows(number)


@pytest.mark.timeout(240)
async def test_rows_under_numbers_that_were_forgotten_are_sent(
    kafka: Kafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("casino_club.infra.log.relay.KEEP_SECONDS", 0.1)
    with postgresql(tmp_path) as (url, child):
        await asyncio.to_thread(migrate.upgrade, url)
        async with Database(url, connections_max=4) as database, relaying(database, kafka):
            ids = await append(database, USERS)
            await eventually(lambda: is_sent(database))
            number = await finish_without_waiting(database)
            await eventually(lambda: tells_of(kafka, number), seconds_max=60)
        cut_power(child)

    with postgresql(tmp_path) as (url, _):
        async with Database(url, connections_max=4) as database, relaying(database, kafka):
            ids += await append(database, USERS)
            await eventually(lambda: is_sent(database))
            sent = [row["id"] for row in rows_in(await asyncio.to_thread(messages, kafka))]
    forget(tmp_path)

    assert sorted(sent) == ids
