"""The servers of a cluster on one machine: PostgreSQL, Redis, a warehouse by address, three brokers of Kafka, and a
host of its own for those who speak with the last two, so that the lines between them can be cut.
"""

import asyncio
import itertools
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from casino_club.infra import runtime
from casino_club.infra.server_process import ServerProcess
from casino_club.infra.settings import Settings
from tests.builders.kafka import Brokers, running_brokers
from tests.builders.servers import forget
from tests.faults import disks, hosts
from tests.faults.cluster.keeper import Keeper
from tests.faults.hosts import Host, Network

BROKERS = (1, 2, 3)
DISK_MB = 512
WAREHOUSE_ADDRESS = 50
ROOT = Path(__file__).parents[3]

_numbers = itertools.count(1)


def why_not() -> str | None:
    """What this machine lacks, if it does."""
    missing = [program for program in ("java", "mvn") if shutil.which(program) is None]
    if missing:
        return f"Kafka needs {' and '.join(missing)}"
    return hosts.why_not() or disks.why_no_small_disk()


@dataclass(frozen=True)
class Site:
    """What a club in a cluster is given."""

    folder: Path
    network: Network
    host: Host
    """Relay, consumer, worker and scheduler run there. PostgreSQL and Redis they reach by sockets, whatever is cut."""
    brokers: Brokers
    keeper: Keeper
    database_url: str
    redis_url: str
    warehouse_url: str
    warehouse_disk: Path

    @property
    def kafka_url(self) -> str:
        ports = [broker.rpartition(":")[2] for broker in self.brokers.url.split(",")]
        return ",".join(f"{self.network.address}:{port}" for port in ports)

    @property
    def warehouse_address(self) -> str:
        return str(urlsplit(self.warehouse_url).hostname)

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
        brokers = stack.enter_context(_reachable_brokers(folder / "kafka", network.address))
        async with Keeper(folder / "logs").keeping() as keeper:
            settings = Settings.model_validate({"mode": "embedded", "data_dir": folder / "servers"})
            (folder / "servers" / "run").mkdir(parents=True)
            for process in runtime.servers(settings):
                await keeper.start(process)
            address = network.add_address(WAREHOUSE_ADDRESS)
            warehouse_url = await _start_warehouse(keeper, disk, address)
            urls = (runtime.database_url(settings), runtime.redis_url(settings), warehouse_url)
            yield Site(folder, network, network.add_host(), brokers, keeper, *urls, disk)


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


@contextmanager
def _reachable_brokers(folder: Path, address: str) -> Iterator[Brokers]:
    """The script's brokers listen on loopback alone; these are told to be found at this address as well."""
    with running_brokers(folder, len(BROKERS)) as brokers:
        brokers.kill(*BROKERS)
        for broker, node in zip(brokers.url.split(","), BROKERS, strict=True):
            port = broker.rpartition(":")[2]
            file = folder / f"node-{node}" / "server.properties"
            text = file.read_text().replace(
                f"listeners=PLAINTEXT://127.0.0.1:{port}", f"listeners=PLAINTEXT://0.0.0.0:{port}"
            )
            shown = f"advertised.listeners=PLAINTEXT://{address}:{port}"
            file.write_text(text.replace(f"advertised.listeners=PLAINTEXT://0.0.0.0:{port}", shown))
        brokers.start_again()
        yield brokers
