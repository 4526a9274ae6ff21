"""What every bench needs: durable private servers, our processes beside them, and ratios within one run."""

import asyncio
import http.client
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import psutil

from casino_club.entry.cli.migrate import prepare
from casino_club.infra.db import migrate
from casino_club.infra.db.database import Database
from casino_club.infra.http import service_keys
from casino_club.infra.settings import Settings
from casino_club.kernel.subject import Scope
from tests.builders.servers import forget, private_servers

START_SECONDS_MAX = 30.0
PARTS = {"API": "cli serve", "consumer": "cli consumer", "PostgreSQL": "postgres", "engine": "backends.engine"}
"""What stands on the command lines of the platform's parts."""
OTHERS = "Redis and others"


@dataclass(frozen=True)
class Lab:
    """Servers that run, and how to reach them."""

    database_url: str
    redis_url: str
    port: int
    environment: dict[str, str]

    @contextmanager
    def process(self, command: str) -> Iterator[subprocess.Popen[bytes]]:
        """One of our own processes beside the servers."""
        argv = [sys.executable, "-m", "casino_club.entry.cli", command]
        with subprocess.Popen(argv, env=self.environment, stderr=subprocess.DEVNULL) as child:
            try:
                if command == "serve":
                    wait_until_answering(self.port, "/readyz")
                yield child
            finally:
                child.terminate()

    async def make_key(self) -> str:
        """A service key that may do everything."""
        async with Database(self.database_url, connections_max=3) as database, database.transaction() as db:
            _, secret = await service_keys.create(db, "bench", frozenset(Scope), now=datetime.now(UTC))
        return secret


@contextmanager
def lab() -> Iterator[Lab]:
    """Durable servers on an empty folder, migrated, with room in the log."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        stack.callback(forget, Path(folder))
        database_url, redis_url = stack.enter_context(private_servers(Path(folder), durable=True))
        port = free_port()
        variables = {
            "CASINO_CLUB_MODE": "cluster",
            "CASINO_CLUB_DATABASE_URL": database_url,
            "CASINO_CLUB_REDIS_URL": redis_url,
            "CASINO_CLUB_KAFKA_URL": "127.0.0.1:1",  # Nobody is there: consumers read the table.
            "CASINO_CLUB_TOKEN_SECRET": "bench" * 10,
            "CASINO_CLUB_VAULT_SECRET": "bench" * 10,
            "CASINO_CLUB_PORT": str(port),
            "CASINO_CLUB_DATA_DIR": folder,
        }
        os.environ.update(variables)
        migrate.upgrade(database_url)
        asyncio.run(prepare(Settings()))
        yield Lab(database_url, redis_url, port, dict(os.environ))


async def fill(database_url: str, *, users: int, keys: int) -> None:
    """Users with a standing and keys that are taken, so that tables and indexes have the size of a grown platform."""
    connection = await asyncpg.connect(database_url)
    for statement in (
        "SET synchronous_commit = off",
        "SET transaction_timeout = 0",
        "SET maintenance_work_mem = '1GB'",
        f"INSERT INTO action_user (user_id) SELECT generate_series(1, {users})",
        "ALTER TABLE action_keys DROP CONSTRAINT action_keys_pkey",
        f"""INSERT INTO action_keys (id, scope, key, body_hash)
            SELECT n, 100, gen_random_uuid(), substring(sha256(n::text::bytea) FOR 16)
            FROM generate_series(1, {keys}) AS n""",
        "ALTER TABLE action_keys ADD CONSTRAINT action_keys_pkey PRIMARY KEY (scope, key)",
        "VACUUM ANALYZE action_keys",
        "VACUUM ANALYZE action_user",
        "CHECKPOINT",
    ):
        await connection.execute(statement, timeout=1_200)
    await connection.close()


def wait_until_answering(port: int, path: str) -> None:
    """Until the server answers well."""
    give_up = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < give_up:
        with suppress(OSError):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        time.sleep(0.05)
    raise SystemExit("The server did not start.")


def verdict(name: str, ours: float, limit: float, *, target: float, unit: str, at_most: bool = False) -> None:
    """One figure: the limit, ours, the ratio, and whether the target is met."""
    ratio = ours / limit
    is_met = ratio <= target if at_most else ratio >= target
    sign = "≤" if at_most else "≥"
    print(
        f"{name}: limit {limit:,.4g} {unit}, ours {ours:,.4g} {unit}, "
        f"ratio {ratio:.2f} (target {sign} {target:g}: {'met' if is_met else 'MISSED'})",
        flush=True,
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of all values does not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def processor_seconds() -> dict[str, float]:
    """By the part of the platform that the bench has started; what has ended counts with whoever it belonged to."""
    spent = dict.fromkeys((*PARTS, OTHERS), 0.0)
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            times, words = process.cpu_times(), " ".join(process.cmdline())
            part = next((part for part, word in PARTS.items() if word in words), OTHERS)
            spent[part] += times.user + times.system + times.children_user + times.children_system
    return spent


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
