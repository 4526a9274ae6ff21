"""An API or a consumer on a host of its own. A line that can be cut leads to PostgreSQL and Redis of a stage."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from casino_club.infra import places, runtime
from tests.faults.hosts import Host, Network
from tests.faults.stage import ROOT, Stage
from tests.faults.truth import hot_store

PORT, DATABASE_PORT, REDIS_PORT = 8000, 5432, 6379
DATABASE_HOST, REDIS_HOST = 101, 102
"""The last parts of this machine's addresses for them, so that either can be cut off alone."""


@dataclass(frozen=True)
class Hosted:
    """A process's host, and the addresses that it depends on."""

    host: Host
    database: str
    redis: str


@asynccontextmanager
async def hosted_api(stage: Stage, network: Network) -> AsyncIterator[Hosted]:
    """Open the stage's servers to the network, and start one more API beyond it."""
    hosted = Hosted(network.add_host(), network.add_address(DATABASE_HOST), network.add_address(REDIS_HOST))
    await _open_database(stage, hosted.database)
    await _open_redis(stage, hosted.redis)
    async with _running(stage, hosted, "serve"):
        await _answering(hosted.host.address)
        yield hosted


@asynccontextmanager
async def hosted_consumer(stage: Stage, network: Network, beside: Hosted) -> AsyncIterator[Hosted]:
    """Let a consumer of another host follow the log while the stage's own holds still."""
    hosted = Hosted(network.add_host(), beside.database, beside.redis)
    own = stage.running()["consumer"].pid
    assert own
    os.kill(own, signal.SIGSTOP)
    try:
        async with stage.database() as db:  # Who holds still can't come again for the leadership that it loses.
            await db.fetch(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'casino-club'"
            )
        async with _running(stage, hosted, "consumer"):
            yield hosted
    finally:
        os.kill(own, signal.SIGCONT)


@asynccontextmanager
async def _running(stage: Stage, hosted: Hosted, command: str) -> AsyncIterator[None]:
    argv = [*hosted.host.prefix, sys.executable, "-m", "casino_club.entry.cli", command]
    with (stage.folder / f"hosted-{command}.log").open("wb") as log:
        child = await asyncio.create_subprocess_exec(
            *argv, cwd=ROOT, env=_environment(stage, hosted), stdout=log, stderr=log
        )
        try:
            yield
        finally:
            child.kill()
            await child.wait()


async def _open_database(stage: Stage, address: str) -> None:
    """Listening elsewhere takes a new start, which the supervisor sees to."""
    place = places.data_place(stage.data_dir, "postgresql")
    assert place is not None
    with (place / "data" / "pg_hba.conf").open("a") as file:
        file.write("\nhost all all 10.213.0.0/16 scram-sha-256\n")
    async with stage.database() as db:
        await db.execute(f"ALTER SYSTEM SET listen_addresses = '{address}'")
        pid = stage.running()["postgresql"].pid
    assert pid
    os.kill(pid, 2)
    await _reachable(address, DATABASE_PORT)


async def _open_redis(stage: Stage, address: str) -> None:
    async with hot_store(stage) as redis:
        for name, value in (("protected-mode", "no"), ("bind", address), ("port", str(REDIS_PORT))):
            await redis.config_set(name, value)
    await _reachable(address, REDIS_PORT)


async def _reachable(address: str, port: int) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                _, writer = await asyncio.open_connection(address, port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return


async def _answering(address: str) -> None:
    await _reachable(address, PORT)
    async with asyncio.timeout(60):
        while not await _is_ready(address):  # noqa: ASYNC110 - another process gets there
            await asyncio.sleep(0.1)


async def _is_ready(address: str) -> bool:
    reader, writer = await asyncio.open_connection(address, PORT)
    writer.write(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    status = await reader.readline()
    writer.close()
    return status.split()[1:2] == [b"200"]


def _environment(stage: Stage, hosted: Hosted) -> dict[str, str]:
    user = urlsplit(runtime.database_url(stage.settings))
    clean = {name: text for name, text in os.environ.items() if not name.startswith("CASINO_CLUB_")}
    return {
        **clean,
        "CASINO_CLUB_MODE": "cluster",
        "CASINO_CLUB_DATABASE_URL": f"postgresql://{user.username}:{user.password}@{hosted.database}:5432/casino_club",
        "CASINO_CLUB_REDIS_URL": f"redis://{hosted.redis}:{REDIS_PORT}/0",
        "CASINO_CLUB_KAFKA_URL": "127.0.0.1:9",
        "CASINO_CLUB_TOKEN_SECRET": runtime.token_secret(stage.settings),
        "CASINO_CLUB_VAULT_SECRET": runtime.vault_secret(stage.settings),
        "CASINO_CLUB_DATA_DIR": str(stage.folder / "hosted"),
        "CASINO_CLUB_HOST": "0.0.0.0",
        "CASINO_CLUB_PORT": str(PORT),
    }
