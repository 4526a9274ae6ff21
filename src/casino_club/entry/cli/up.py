"""`casino-club up`: everything on this machine, in the foreground, until Ctrl-C."""

import asyncio
import os
import shlex
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import asyncpg
import typer

from casino_club.entry.cli import asking, checks
from casino_club.entry.cli.migrate import prepare
from casino_club.entry.cli.reading import data_dir_of, read_settings
from casino_club.infra import children, leftovers, runtime
from casino_club.infra.db import migrate
from casino_club.infra.ports import Unusable
from casino_club.infra.processes import (
    ProcessState,
    State,
    forget_ready,
    has_told_ready,
    only_supervisor,
    save_processes,
)
from casino_club.infra.server_process import ServerProcess
from casino_club.infra.settings import Settings
from casino_club.infra.supervisor import CannotStart, Supervisor, stop_on_signals
from casino_club.infra.telemetry import metrics

COLOURS = {"starting": "yellow", "ready": "green", "restarting": "red", "stopped": "bright_black"}
STOP_SIGNALS = ((signal.SIGTERM, 5.0),)  # The API lets running requests end for almost as long.
STEADY_SECONDS = 3.0
FIRST_ACTION = '{"user_id": 7, "action_type": "VIEW_CONTENT"}'
PROGRAM = (sys.executable, "-m", "casino_club.entry.cli")


def up() -> None:
    """Start everything and keep it running until Ctrl-C."""
    run(read_settings())


def run(settings: Settings, *, program: Sequence[str] = PROGRAM) -> None:
    """The same with settings at hand. `program` is what understands our commands."""
    try:
        checks.make_data_dir(data_dir_of(settings))
        with only_supervisor(data_dir_of(settings)):
            save_processes(data_dir_of(settings), [])  # What a killed one said last is true no more.
            leftovers.end(leftovers.of_ourselves(data_dir_of(settings)), STOP_SIGNALS)
            checks.check_disk(data_dir_of(settings), settings.disk_free_mb_min)
            checks.check_port(settings)
            runtime.prepare(settings)
            metrics.share(_metrics_dir(settings))
            asyncio.run(_until_stopped(settings, program))
    except CannotStart as error:
        _say(str(error), *children.last_lines(error.log), to_stderr=True)
        raise typer.Exit(1) from None
    except Unusable as error:
        _say(str(error), to_stderr=True)
        raise typer.Exit(1) from None
    except OSError as error:
        _say(checks.no_room(data_dir_of(settings)) if checks.has_no_room(error) else str(error), to_stderr=True)
        raise typer.Exit(1) from None


async def _until_stopped(settings: Settings, program: Sequence[str]) -> None:
    was_asked_to_stop = stop_on_signals()
    try:
        async with Supervisor(data_dir_of(settings), _report).running() as supervisor:
            await _start_all(supervisor, settings, program)
            await asyncio.Event().wait()
    except asyncio.CancelledError:
        if not was_asked_to_stop():
            raise


async def _start_all(supervisor: Supervisor, settings: Settings, program: Sequence[str]) -> None:
    began = time.monotonic()
    for server in runtime.servers(settings):
        await supervisor.start(server)
    if warehouse := runtime.warehouse_server(settings):
        await supervisor.start(warehouse)
    await _bring_up_to_date(settings)
    consumer = replace(ourselves("consumer", settings, _seems_steady, [*program, "consumer"]), is_needed=False)
    api = ourselves("api", settings, lambda: _answers(settings), [*program, "serve"])
    async with asyncio.TaskGroup() as both:
        both.create_task(supervisor.start(consumer))
        await supervisor.start(api)
        _welcome(settings, time.monotonic() - began)
        # Nobody waits for these, so they leave the processors to the API until it answers. Actions need none of them.
        if runtime.has_topic(settings):
            await supervisor.start(_by_its_word("relay", settings, program))
        await supervisor.start(_by_its_word("worker", settings, program))
        await supervisor.start(_by_its_word("scheduler", settings, program))


async def _bring_up_to_date(settings: Settings) -> None:
    began = time.monotonic()
    try:
        await asyncio.to_thread(migrate.upgrade, runtime.database_url(settings))
        await prepare(settings)
    except (OSError, asyncpg.PostgresError) as error:
        raise Unusable(f"The database can't be used ({error}); check its log, or CASINO_CLUB_DATABASE_URL.") from error
    _status("schema", "ready", f"in {time.monotonic() - began:.2f} s")


def _by_its_word(name: str, settings: Settings, program: Sequence[str]) -> ServerProcess:
    """A process that says itself when it is ready."""
    data_dir = data_dir_of(settings)

    async def is_ready() -> bool:
        return has_told_ready(data_dir, name)

    process = ourselves(name, settings, is_ready, [*program, name])
    return replace(process, prepare=lambda: forget_ready(data_dir, name), is_needed=False)


def ourselves(
    name: str, settings: Settings, is_ready: Callable[[], Awaitable[bool]], command: Sequence[str]
) -> ServerProcess:
    """One of our own commands as a process."""
    data_dir = data_dir_of(settings)
    return ServerProcess(
        name=name,
        prepare=lambda: None,
        command=lambda: command,
        is_ready=is_ready,
        stop_signals=STOP_SIGNALS,
        environment={
            **os.environ,
            "CASINO_CLUB_DATA_DIR": str(data_dir),
            leftovers.MARK: str(data_dir),
            metrics.SHARED_DIR_VARIABLE: str(_metrics_dir(settings)),
        },
    )


def _metrics_dir(settings: Settings) -> Path:
    return data_dir_of(settings) / "run" / "metrics"


async def _seems_steady() -> bool:
    """A process that nobody can ask is ready once it has not ended at once."""
    await asyncio.sleep(STEADY_SECONDS)
    return True


async def _answers(settings: Settings) -> bool:
    return await asking.ready_status(settings) == 200


def _welcome(settings: Settings, seconds: float) -> None:
    url = asking.base_url(settings)
    program = shlex.quote(str(Path(sys.executable).with_name("casino-club")))
    exports = f"export CASINO_CLUB_DATA_DIR={shlex.quote(str(data_dir_of(settings)))} CASINO_CLUB_PORT={settings.port}"
    _say(
        "",
        f"Casino-Club is ready after {seconds:.1f} s: {typer.style(url, bold=True)}",
        "",
        "Send a first action, in a second terminal:",
        "",
        f"  {exports}",
        f"  KEY=$({program} keys create first)",
        f"  curl -s {url}/api/actions -H \"Authorization: Bearer $KEY\" -H 'Content-Type: application/json' \\",
        f"    -d '{FIRST_ACTION}'",
        "",
        f"Then see how it fares:  {program} status",
        "Ctrl-C ends it.",
        "",
    )


def _report(seen: ProcessState, detail: str) -> None:
    _status(seen.name, seen.state, detail)


def _status(name: str, state: State, detail: str) -> None:
    coloured = typer.style(f"{state:<10}", fg=COLOURS[state])
    _say(f"{datetime.now().astimezone():%H:%M:%S}  {name:<10}  {coloured}  {detail}".rstrip())


def _say(*lines: str, to_stderr: bool = False) -> None:
    """A terminal that has gone away must not keep us from ending in order."""
    try:
        for line in lines:
            typer.echo(line, err=to_stderr, color=False if os.environ.get("NO_COLOR") else None)
    except OSError:
        return
