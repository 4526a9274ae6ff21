"""The example for other services does what it says on the real topic, and messages are what the page describes."""

import asyncio
import json
import re
import signal
import sys
from pathlib import Path

from casino_club.infra.backends.kafka.client import Kafka
from casino_club.infra.backends.kafka.messages import SCHEMA
from casino_club.infra.db.database import Database
from tests.builders.kafka import messages, relaying
from tests.cluster.test_exactness import sent_again
from tests.cluster.test_relay import is_sent
from tests.infra.log.following import append, eventually

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "deploy" / "kafka" / "example_consumer.py"
PAGE = (ROOT / "docs" / "topic.md").read_text()
LINES_SECONDS_MAX = 90.0


async def test_the_example_counts_each_row_once_though_all_come_twice(database: Database, kafka: Kafka) -> None:
    ids = await append(database, [1, 2, 3, 1])
    async with relaying(database, kafka):
        await eventually(lambda: is_sent(database))
        await asyncio.to_thread(sent_again, kafka, await asyncio.to_thread(messages, kafka), times=2)
        ids += await append(database, [4])
        await eventually(lambda: is_sent(database))

    command = (sys.executable, str(EXAMPLE), kafka.bootstrap, kafka.topic, kafka.topic)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    async with asyncio.timeout(LINES_SECONDS_MAX):
        said = [(await process.stdout.readline()).decode() for _ in ids]
        process.send_signal(signal.SIGINT)
        rest, _ = await process.communicate()

    assert sorted(int(line.rpartition(" ")[2].rstrip(")\n")) for line in said) == ids
    assert (process.returncode, rest) == (0, b"")


async def test_the_page_describes_every_field_and_every_header(database: Database, kafka: Kafka) -> None:
    await append(database, [1])
    async with relaying(database, kafka):
        await eventually(lambda: is_sent(database))
    found = await asyncio.to_thread(messages, kafka)
    described = set(re.findall(r"`([a-z_]+)`", PAGE))

    [with_row] = [message for message in found if message.value() is not None]
    headers = dict(with_row.headers() or [])
    assert json.loads(with_row.value() or b"").keys() | headers.keys() <= described
    assert headers["schema"] == SCHEMA
    assert f"`{SCHEMA.decode()}`, the version" in PAGE
