"""The servers of a cluster on one machine, each at an address of its own, three brokers of Kafka on hosts of their own,
and hosts for those who speak with them, so that every line between two of them can be cut alone.
"""

import asyncio
import itertools
import shutil
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from casino_club.infra import runtime
from casino_club.infra.server_process import ServerProcess
from casino_club.infra.settings import Settings
from tests.builders.servers import forget
from tests.faults import disks, hosts
from tests.faults.cluster.brokers import HostedBrokers, hosted_brokers
from tests.faults.cluster.keeper import Keeper
from tests.faults.cluster.opened import REDIS_PORT, open_postgres, open_redis, postgres_url
from tests.faults.hosts import Host, Network

DISK_MB = 512
ADDRESSES = {"warehouse": 50, "postgresql": 51, "redis": 52}
"""The last parts of this machine's addresses for them."""
HOSTS = ("api", "relay", "consumer", "jobs")
ROOT = Path(__file__).parents[3]

_numbers = itertools.count(1)


def why_not() -> str | None:
    """What this machine lacks, if it does."""
    missing = [program for program in ("java", "mvn") if shutil.which(program) is None]
    if missing:
        return f"Kafka needs {' and '.join(missing)}"
    return hosts.why_not() or disks.why_no_small_disk()


@dataclass(frozen=True)
class Line:
    """Between a host and all the servers of one name."""

    host: Host
    addresses: Sequence[str]

    def lose(self, share: float) -> None:
        """Drop this share of packets each way; 1.0 cuts it."""
        self.host.lose(share, *self.addresses)

    def heal(self) -> None:
        self.host.heal()

    def is_in_use(self) -> bool:
        return self.host.speaks_with(*self.addresses)


@dataclass(frozen=True)
class Site:
    """What a club in a cluster is given."""

    folder: Path
    network: Network
    hosts: Mapping[str, Host]
    """Each of our processes runs on one; worker and scheduler share `jobs`."""
    brokers: HostedBrokers
    keeper: Keeper
    database_url: str
    redis_url: str
    warehouse_url: str
    warehouse_disk: Path

    def line(self, host: str, server: str) -> Line:
        """From a process of ours to PostgreSQL, Redis, the warehouse or all brokers."""
        if server == "kafka":
            return Line(self.hosts[host], self.brokers.addresses)
        urls = {"postgresql": self.database_url, "redis": self.redis_url, "warehouse": self.warehouse_url}
        return Line(self.hosts[host], [str(urlsplit(urls[server]).hostname)])

    def line_between_brokers(self, node: int) -> Line:
        """From this broker to the others."""
        own = self.brokers.hosts[node]
        return Line(own, [each for each in self.brokers.addresses if each != own.address])

    async def new_database(self) -> str:
        """The address of an empty one."""
        name = f"club_{next(_numbers)}"
        maker = await asyncpg.connect(self.database_url)
        await maker.execute(f"CREATE DATABASE {name}")
        await maker.close()
        return urlunsplit(urlsplit(self.database_url)._replace(path=f"/{name}"))


@asynccontextmanager
async def a_site(folder: Path) -> AsyncIterator[Site]:
    """Everything up; ended and forgotten afterwards."""
    with ExitStack() as stack:
        stack.callback(forget, folder / "servers")
        network = stack.enter_context(hosts.network())
        disk = stack.enter_context(disks.small_disk(DISK_MB))
        brokers = stack.enter_context(hosted_brokers(folder / "kafka", network))
        async with Keeper(folder / "logs").keeping() as keeper:
            addresses = {name: network.add_address(last) for name, last in ADDRESSES.items()}
            (folder / "servers" / "run").mkdir(parents=True)
            settings = Settings.model_validate({"mode": "embedded", "data_dir": folder / "servers"})
            postgres, redis = runtime.servers(settings)
            await keeper.start(open_postgres(postgres, settings, addresses["postgresql"], network))
            await keeper.start(open_redis(redis, addresses["redis"]))
            warehouse_url = await _start_warehouse(keeper, disk, addresses["warehouse"])
            ours = {name: network.add_host() for name in HOSTS}
            database_url = postgres_url(settings, addresses["postgresql"])
            redis_url = f"redis://{addresses['redis']}:{REDIS_PORT}/0"
            yield Site(folder, network, ours, brokers, keeper, database_url, redis_url, warehouse_url, disk)


async def _start_warehouse(keeper: Keeper, disk: Path, address: str) -> str:
    settings = Settings.model_validate({"mode": "embedded", "data_dir": disk})
    (disk / "run").mkdir()
    process = runtime.warehouse_server(settings)
    assert process is not None
    await keeper.start(_bound(process, settings, address))
    return _at(address, settings)


def _bound(process: ServerProcess, settings: Settings, address: str) -> ServerProcess:
    def command() -> list[str]:
        folder, port = list(process.command())[-2:]
        return [sys.executable, "-m", "tests.faults.cluster.bound_engine", address, folder, port]

    async def answers() -> bool:
        port = urlsplit(_at(address, settings)).port
        try:
            _, writer = await asyncio.open_connection(address, port)
        except OSError:
            return False
        writer.close()
        return True

    return replace(process, command=command, is_ready=answers, working_dir=ROOT)


def _at(address: str, settings: Settings) -> str:
    url = runtime.warehouse_url(settings)
    assert url is not None
    return url.replace("@127.0.0.1:", f"@{address}:")
