"""Private PostgreSQL and Redis: real ones, on folders of their own."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
import redis

from casino_club.infra import machine, places, runtime
from casino_club.infra.backends.embedded import postgres
from casino_club.infra.ports import Unusable
from casino_club.infra.processes import processes
from casino_club.infra.server_process import ServerProcess
from casino_club.infra.settings import Settings
from tests.builders.servers import forget, private_servers, running_server
from tests.infra.supervised import make_folders
from tests.infra.test_supervisor import supervised
from tests.infra.waiting import runs, wait_for

as_root = pytest.mark.skipif(not machine.is_root(), reason="only root has to step down")


@pytest.fixture
def make_data_dir(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    made: list[Path] = []

    def make(name: str) -> Path:
        made.append(make_folders(tmp_path / name))
        return made[-1]

    yield make
    for each in made:
        forget(each)


@pytest.fixture
def data_dir(make_data_dir: Callable[[str], Path]) -> Path:
    return make_data_dir("data")


@pytest.fixture
def open_dir() -> Iterator[Path]:
    """A data folder that every account can reach, which a test's own folder is not."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    data_dir = make_folders(folder / "data")
    yield data_dir
    forget(data_dir)
    shutil.rmtree(folder)


def settings_for(data_dir: Path) -> Settings:
    return Settings.model_validate({"mode": "embedded", "data_dir": data_dir})


def server(data_dir: Path, name: str) -> ServerProcess:
    return next(each for each in runtime.servers(settings_for(data_dir)) if each.name == name)


async def ask(database_url: str, query: str) -> object:
    connection = await asyncpg.connect(database_url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def told(redis_url: str, *words: str) -> object:
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        return client.execute_command(*words)


async def test_both_answer_at_addresses_that_any_process_can_read(data_dir: Path) -> None:
    with private_servers(data_dir) as (database_url, redis_url):
        other = settings_for(data_dir)

        assert await ask(database_url, "SELECT current_user || '@' || current_database()") == "casino_club@casino_club"
        assert told(redis_url, "PING") is True
        assert (runtime.database_url(other), runtime.redis_url(other)) == (database_url, redis_url)


async def test_postgresql_is_durable_bounded_and_off_the_network(data_dir: Path) -> None:
    expected = {
        "fsync": "on",
        "synchronous_commit": "on",
        "autovacuum": "on",
        "jit": "off",
        "wal_compression": "off",
        "listen_addresses": "",
        "unix_socket_permissions": "0700",
        "password_encryption": "scram-sha-256",
        "max_wal_size": "4GB",
        "min_wal_size": "512MB",
        "checkpoint_timeout": "15min",
        "idle_in_transaction_session_timeout": "1min",
        "transaction_timeout": "5min",
        "deadlock_timeout": "200ms",
        "max_connections": "100",
        "TimeZone": "UTC",
        "server_encoding": "UTF8",
        "lc_messages": "C",
    }

    with private_servers(data_dir, durable=True) as (database_url, _):
        found = {name: await ask(database_url, f"SELECT current_setting('{name}')") for name in expected}

    assert found == expected


@pytest.mark.parametrize(("memory_gb", "buffers_mb"), [(0.5, 128), (4, 512), (24, 1_024)])
def test_postgresql_gets_an_eighth_of_the_memory_within_bounds(memory_gb: float, buffers_mb: int) -> None:
    assert postgres.buffers_mb(int(memory_gb * 1024**3)) == buffers_mb


def test_redis_keeps_every_write_and_drops_none(data_dir: Path) -> None:
    with private_servers(data_dir) as (_, redis_url):
        for name, value in {
            "appendonly": "yes",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
            "port": "0",
        }.items():
            assert told(redis_url, "CONFIG", "GET", name) == {name: value}
        told(redis_url, "SET", "kept", "1")

    with private_servers(data_dir) as (_, redis_url):
        assert told(redis_url, "GET", "kept") == "1"


async def test_what_was_committed_survives_kill_9_of_the_server(data_dir: Path) -> None:
    process = server(data_dir, "postgresql")
    with running_server(process, data_dir) as child:
        database_url = runtime.database_url(settings_for(data_dir))
        await ask(database_url, "CREATE TABLE kept AS SELECT 1 AS value")
        child.kill()
        child.wait()

    with running_server(process, data_dir):
        assert await ask(database_url, "SELECT value FROM kept") == 1


@pytest.mark.parametrize("name", ["postgresql", "redis"])
def test_a_server_left_over_is_ended_before_a_new_one_starts(name: str, data_dir: Path) -> None:
    process = server(data_dir, name)
    with running_server(process, data_dir) as child:
        process.prepare()

        assert not runs(child.pid)
        with running_server(process, data_dir) as successor:
            assert runs(successor.pid)


@pytest.mark.parametrize("name", ["postgresql", "redis"])
def test_the_same_server_of_another_folder_is_left_alone(name: str, make_data_dir: Callable[[str], Path]) -> None:
    one, other = make_data_dir("one"), make_data_dir("other")
    with running_server(server(one, name), one) as child:
        server(other, name).prepare()

        assert runs(child.pid)


def test_a_pid_that_now_is_somebody_elses_is_left_alone(data_dir: Path) -> None:
    process = server(data_dir, "postgresql")
    process.prepare()
    place = places.data_place(data_dir, "postgresql")
    assert place
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        (place / "data" / "postmaster.pid").write_text(f"{stranger.pid}\n{place / 'data'}\n")

        process.prepare()

        assert stranger.poll() is None
        stranger.kill()


async def test_a_first_start_that_was_cut_short_starts_again(data_dir: Path) -> None:
    process = server(data_dir, "postgresql")
    place = places.make_data_place(data_dir, "postgresql", process.as_user)
    (place / "new").mkdir()
    (place / "new" / "PG_VERSION").write_text("18\n")

    with running_server(process, data_dir):
        assert await ask(runtime.database_url(settings_for(data_dir)), "SELECT 1") == 1


def test_data_of_another_release_is_refused_with_a_reason(data_dir: Path) -> None:
    process = server(data_dir, "postgresql")
    cluster = places.make_data_place(data_dir, "postgresql", process.as_user) / "data"
    cluster.mkdir()
    (cluster / "PG_VERSION").write_text("16\n")

    with pytest.raises(Unusable, match="PostgreSQL 16"):
        process.prepare()


def test_before_the_first_start_one_is_told_what_to_do(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "none")

    for ask_for in (runtime.database_url, runtime.redis_url, runtime.token_secret, runtime.vault_secret):
        with pytest.raises(Unusable, match="run `casino-club up` first"):
            ask_for(settings)


def test_each_secret_is_made_once_and_is_closed(data_dir: Path) -> None:
    settings = settings_for(data_dir)

    runtime.prepare(settings)
    secrets = [runtime.token_secret(settings), runtime.vault_secret(settings)]
    runtime.prepare(settings)

    assert [runtime.token_secret(settings), runtime.vault_secret(settings)] == secrets
    assert len(set(secrets)) == 2
    assert min(map(len, secrets)) >= 32
    for name in ("token_secret", "vault_secret"):
        assert stat.S_IMODE((data_dir / name).stat().st_mode) == 0o600


def test_the_warehouse_is_where_everybody_was_told_before_it_could_be_started(data_dir: Path) -> None:
    settings = settings_for(data_dir)
    process = runtime.warehouse_server(settings)
    assert process is not None
    assert runtime.warehouse_url(settings) is None

    runtime.prepare(settings)
    told = runtime.warehouse_url(settings)
    (data_dir / "warehouse").touch()  # As little use as a disk without room for the folder.
    with pytest.raises(Unusable):
        process.prepare()
    (data_dir / "warehouse").unlink()

    with running_server(process, data_dir):
        assert told is not None
        assert runtime.warehouse_url(settings) == told


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("", "it said nothing"),
        ("ok\nended\n", "ended"),
        ("creating … ok\nFATAL:  no room\nchild ended\ninitdb: removing data directory", "FATAL:  no room"),
        (
            "at ERROR:  no room\nat HINT:  Check free disk space.\nbye",
            "at ERROR:  no room at HINT:  Check free disk space.",
        ),
    ],
)
def test_what_keeps_a_cluster_from_being_made_is_the_first_complaint(output: str, reason: str) -> None:
    assert postgres.reason_in(output) == reason


def test_cluster_mode_starts_nothing_and_names_what_the_settings_name(tmp_path: Path) -> None:
    named = {
        "database_url": "postgresql://db/x",
        "redis_url": "redis://cache/0",
        "kafka_url": "broker:9092",
        "token_secret": "s" * 32,
        "vault_secret": "v" * 32,
    }
    settings = Settings.model_validate({"mode": "cluster", "data_dir": tmp_path, **named})

    assert runtime.servers(settings) == []
    assert runtime.database_url(settings) == named["database_url"]
    assert runtime.redis_url(settings) == named["redis_url"]
    assert runtime.token_secret(settings) == named["token_secret"]
    assert runtime.vault_secret(settings) == named["vault_secret"]
    assert runtime.has_topic(settings)


def test_a_socket_address_fits_however_long_the_data_folder_is(make_data_dir: Callable[[str], Path]) -> None:
    data_dir = make_data_dir("x" * 120)

    with private_servers(data_dir) as (_, redis_url):
        assert told(redis_url, "PING") is True


def test_a_copied_data_folder_does_not_share_its_database(tmp_path: Path) -> None:
    original, copy = make_folders(tmp_path / "original"), make_folders(tmp_path / "copy")
    place = tmp_path / "elsewhere"
    place.mkdir()
    (place / "owner").write_text(str(original))
    (copy / "postgresql.place").write_text(str(place))

    with pytest.raises(Unusable, match="is a copy"):
        server(copy, "postgresql").prepare()


@as_root
async def test_root_steps_down_and_changes_no_folder_above_its_own(data_dir: Path) -> None:
    above = [(each, each.stat().st_mode, each.stat().st_uid) for each in data_dir.parents]

    with running_server(server(data_dir, "postgresql"), data_dir) as child:
        assert psutil.Process(child.pid).uids().real != 0
        assert await ask(runtime.database_url(settings_for(data_dir)), "SELECT 1") == 1

    assert [(each, each.stat().st_mode, each.stat().st_uid) for each in data_dir.parents] == above
    assert not (data_dir / "postgresql").exists()


@as_root
def test_data_stays_in_a_folder_that_every_account_can_reach(open_dir: Path) -> None:
    with running_server(server(open_dir, "postgresql"), open_dir):
        assert (open_dir / "postgresql" / "data" / "PG_VERSION").exists()
        assert not (open_dir / "postgresql.place").exists()


@as_root
def test_programs_that_the_account_cannot_reach_are_copied_once(tmp_path: Path) -> None:
    wheel = tmp_path / "wheel_for_a_test"
    folder = wheel / "pginstall18" / "bin"
    folder.mkdir(parents=True)
    (folder / "program").touch(mode=0o700)
    account = machine.unprivileged_account()

    reachable = places.reachable_programs(folder, "program", "1", account)
    try:
        assert machine.may_read(reachable / "program", account, and_run=True)
        assert places.reachable_programs(folder, "program", "1", account) == reachable
        assert places.reachable_programs(folder, "program", "1", None) == folder
    finally:
        shutil.rmtree(places.SHARED / "wheel_for_a_test-1")


@as_root
def test_data_elsewhere_goes_when_its_temporary_owner_is_gone(
    make_data_dir: Callable[[str], Path], data_dir: Path
) -> None:
    doomed = make_data_dir("doomed")
    server(doomed, "postgresql").prepare()
    server(data_dir, "postgresql").prepare()
    gone, kept = places.data_place(doomed, "postgresql"), places.data_place(data_dir, "postgresql")
    assert gone
    assert kept

    places.remove_socket_folder(doomed, "postgresql")
    shutil.rmtree(doomed)
    places.sweep("postgres")

    assert not gone.exists()
    assert kept.exists()


async def test_supervised_servers_come_back_after_kill_9_and_leave_nothing_behind(data_dir: Path) -> None:
    with supervised(data_dir, "servers") as supervisor:
        before = {each.name: each for each in processes(data_dir)}
        for each in before.values():
            assert each.pid
            os.kill(each.pid, signal.SIGKILL)

        wait_for(lambda: [(each.state, each.restarts) for each in processes(data_dir)] == [("ready", 1)] * 2)
        settings = settings_for(data_dir)
        assert await ask(runtime.database_url(settings), "SELECT 1") == 1
        assert told(runtime.redis_url(settings), "PING") is True
        after = [each.pid for each in processes(data_dir) if each.pid]

        supervisor.send_signal(signal.SIGINT)
        assert supervisor.wait(10) == 0
    assert not any(runs(pid) for pid in after)
    assert not any(places.socket_folder(data_dir, name).exists() for name in before)  # type: ignore[union-attr]  # started


async def test_servers_start_again_after_kill_9_of_their_supervisor(data_dir: Path) -> None:
    with supervised(data_dir, "servers") as supervisor:
        await ask(runtime.database_url(settings_for(data_dir)), "CREATE TABLE kept AS SELECT 1 AS value")
        supervisor.kill()

    with supervised(data_dir, "servers"):
        assert await ask(runtime.database_url(settings_for(data_dir)), "SELECT value FROM kept") == 1
