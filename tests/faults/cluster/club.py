"""A club in a cluster: a database, a topic and a warehouse of its own, and our processes as real processes."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from redis.asyncio import Redis

from casino_club.entry.cli import asking
from casino_club.infra.backends.kafka.client import Kafka
from casino_club.infra.server_process import ServerProcess
from casino_club.infra.settings import Settings
from tests.builders.kafka import a_kafka
from tests.faults.cluster.keeper import Keeper
from tests.faults.cluster.points import Wrong
from tests.faults.cluster.site import ROOT, Site
from tests.faults.stage import Stage

OURS = ("api", "relay", "consumer", "worker", "scheduler")
HOST_OF = {"worker": "jobs", "scheduler": "jobs"}
"""Who does not have a host of its own."""
PARTITIONS = 3
STOP_SIGNALS = ((15, 8.0),)
SECRETS = {name: f"{name} of more than thirty-two characters" for name in ("token_secret", "vault_secret")}


@dataclass(frozen=True)
class Ways:
    """How a process is started: as people start it, with a fuse, or with a fault."""

    is_armed: bool = False
    wrong: Wrong | None = None

    def command(self, name: str) -> Sequence[str]:
        if self.is_armed and name in ("relay", "consumer"):
            wrong = self.wrong.name if self.wrong and self.wrong.value.startswith(name) else ""
            return (sys.executable, "-m", "tests.faults.cluster.armed", name, wrong)
        return (sys.executable, "-m", "casino_club.entry.cli", "serve" if name == "api" else name)


class Club(Stage):
    """One club on a site."""

    def __init__(self, site: Site, folder: Path, database_url: str, ways: Ways) -> None:
        super().__init__(folder)
        self.site, self.ways = site, ways
        (self.data_dir / "run").mkdir(parents=True)
        self.kafka: Kafka = a_kafka(site.brokers, partitions=PARTITIONS)
        name = urlsplit(database_url).path
        self._named = {
            "mode": "cluster",
            "database_url": database_url,
            "redis_url": site.redis_url,
            "warehouse_url": urlunsplit(urlsplit(site.warehouse_url)._replace(path=name)),
            "kafka_url": site.brokers.url,
            "kafka_topic": self.kafka.topic,
            "kafka_partitions": str(PARTITIONS),
            "data_dir": str(self.data_dir),
            "host": site.hosts["api"].address,
            "port": str(self.port),
            **SECRETS,
        }
        self.settings = Settings.model_validate(self._named)

    def _environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("CASINO_CLUB_")}
        return clean | {f"CASINO_CLUB_{name.upper()}": value for name, value in self._named.items()}

    @property
    def keeper(self) -> Keeper:
        return self.site.keeper

    async def open(self) -> None:
        """Make the tables and start everything."""
        await self.command("migrate")
        await asyncio.gather(*(self.keeper.start(self._process(name)) for name in OURS))

    async def close(self) -> None:
        await asyncio.gather(*(self.keeper.end(name) for name in OURS))

    def _command(self, name: str) -> Sequence[str]:
        return [*self.site.hosts[HOST_OF.get(name, name)].prefix, *self.ways.command(name)]

    def _process(self, name: str) -> ServerProcess:
        async def is_ready() -> bool:
            return name != "api" or await asking.ready_status(self.settings) == 200

        return ServerProcess(
            name=name,
            prepare=lambda: None,
            command=lambda: self._command(name),
            is_ready=is_ready,
            stop_signals=STOP_SIGNALS,
            working_dir=ROOT,
            environment=self._environment(),
        )


@asynccontextmanager
async def a_club(site: Site, folder: Path, ways: Ways | None = None) -> AsyncIterator[Club]:
    """Open, on an empty Redis; closed afterwards."""
    redis: Redis = Redis.from_url(site.redis_url)
    await redis.flushall()
    await redis.aclose()
    club = Club(site, folder, await site.new_database(), ways or Ways())
    await club.open()
    try:
        yield club
    finally:
        await club.close()
