"""PostgreSQL and Redis as `up` starts them, found by other hosts as well."""

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from casino_club.infra import places, runtime
from casino_club.infra.server_process import ServerProcess
from casino_club.infra.settings import Settings
from tests.faults.hosts import Network

DATABASE_PORT, REDIS_PORT = 5432, 6379


def open_postgres(process: ServerProcess, settings: Settings, address: str, network: Network) -> ServerProcess:
    """It lets in whoever knows the password, from any host of the network."""

    def prepare() -> None:
        process.prepare()
        place = places.data_place(settings.data_dir, "postgresql")
        assert place is not None
        rules, rule = place / "data" / "pg_hba.conf", f"host all all {network.range} scram-sha-256\n"
        if rule not in rules.read_text():
            with rules.open("a") as file:
                file.write(rule)

    def command() -> Sequence[str]:
        return [*process.command(), "-c", f"listen_addresses={address}"]

    return replace(process, prepare=prepare, command=command)


def open_redis(process: ServerProcess, address: str) -> ServerProcess:
    words = ("--port", str(REDIS_PORT), "--bind", address, "--protected-mode", "no")
    return replace(process, command=lambda: [*process.command(), *words])


def postgres_url(settings: Settings, address: str) -> str:
    user = urlsplit(runtime.database_url(settings))
    return f"postgresql://{user.username}:{user.password}@{address}:{DATABASE_PORT}/casino_club"
