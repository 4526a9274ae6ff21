"""How a platform stands, gathered in one look. What does not answer is told in a sentence, never raised."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import asyncpg

from casino_club.entry.cli.opening import DATABASE_FAULTS, sentence
from casino_club.entry.cli.printing import several, utc_now
from casino_club.entry.cli.reading import data_dir_of
from casino_club.entry.wiring import subscriptions
from casino_club.features.actions import store
from casino_club.infra import runtime
from casino_club.infra.backends.hot_store import RedisHotStore
from casino_club.infra.db.database import Database, Db
from casino_club.infra.db.facts import DatabaseFacts, answer_seconds, database_facts
from casino_club.infra.log import lag, parked, positions, rebuild
from casino_club.infra.log.lag import Holder, Lag
from casino_club.infra.log.rebuild import Progress
from casino_club.infra.log.room import Room, room_ahead
from casino_club.infra.ports import HotFacts, HotStoreAway, Unusable
from casino_club.infra.processes import ProcessState, is_supervised, memory_bytes, processes
from casino_club.infra.settings import Settings

LAG_SECONDS_MAX = 30.0
SILENT_SECONDS_MAX = 60.0
"""A live reader writes its position down every ten seconds, even when nothing happens."""


@dataclass(frozen=True, slots=True)
class ProcessLook:
    """A process of this machine that `up` keeps running."""

    seen: ProcessState
    uptime_seconds: float | None
    memory_bytes: int | None


@dataclass(frozen=True, slots=True)
class LogLook:
    """The log and its readers."""

    readers: Sequence[Lag]
    moves: Mapping[str, int]
    rebuilds: Mapping[str, Progress]
    holder: Holder | None
    room: Room
    parked: Mapping[str, int]
    refused_open: int


@dataclass(frozen=True, slots=True)
class DatabaseLook:
    """PostgreSQL. `log` is None when the schema is missing."""

    seconds: float
    facts: DatabaseFacts
    log: LogLook | None


@dataclass(frozen=True, slots=True)
class HotLook:
    """The hot store, with the mark of each projection that keeps values in it."""

    seconds: float
    facts: HotFacts
    marks: Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class Look:
    """Everything at once; a server is a sentence when it can't be asked."""

    at: datetime
    data_dir: Path
    is_supervised: bool
    processes: Sequence[ProcessLook]
    database: DatabaseLook | str
    hot: HotLook | str

    @property
    def log(self) -> LogLook | None:
        return self.database.log if isinstance(self.database, DatabaseLook) else None


async def look(settings: Settings) -> Look:
    """Look at the processes of this machine and at both servers. The database first: its marks are the older ones."""
    data_dir, now = data_dir_of(settings), utc_now()
    running = await asyncio.to_thread(lambda: [_process(each, now) for each in processes(data_dir)])
    database = await _look_at_database(settings)
    return Look(now, data_dir, is_supervised(data_dir), running, database, await _look_at_hot(settings))


def problems(seen: Look) -> list[str]:
    """What is wrong, a sentence each, with what to do."""
    found = [
        f"{each.seen.name} is {each.seen.state}; see {seen.data_dir / 'logs' / each.seen.name}.log."
        for each in seen.processes
        if seen.is_supervised and each.seen.state != "ready"
    ]
    found += [server for server in (seen.database, seen.hot) if isinstance(server, str)]
    if isinstance(seen.database, DatabaseLook):
        if seen.log is None:
            found.append("The database lacks this version's schema; run `casino-club migrate`.")
        else:
            found += _log_problems(seen.log, seen.at)
    return found


def _log_problems(log: LogLook, at: datetime) -> list[str]:
    live = [reader for reader in log.readers if reader.generation == positions.LIVE]
    found = [
        f"{reader.consumer} is {reader.seconds:.0f} s behind; if that grows, see the consumer's log."
        for reader in live
        if reader.seconds > LAG_SECONDS_MAX
    ]
    found += [
        f"Nobody has followed the log for {reader.consumer} for {silent:.0f} s; start `casino-club consumer`, or `up`."
        for reader in live
        if (silent := (at - reader.moved_at).total_seconds()) > SILENT_SECONDS_MAX
    ]
    if log.holder:
        found.append(holder_sentence(log.holder))
    if log.room.ids_ahead == 0:
        found.append("The log has no partition ahead; run `casino-club migrate`.")
    found += [
        f"{several(number, 'row is', 'rows are')} parked for {name}; mend the cause that `casino-club parked list` "
        "shows, then `casino-club parked retry --all`."
        for name, number in log.parked.items()
    ]
    return found


def holder_sentence(holder: Holder) -> str:
    """Which transaction holds readers back, and how to end it."""
    return (
        f"A transaction of {holder.application or 'a nameless program'} (process {holder.pid}, {holder.state}) has "
        f"been open for {holder.seconds:.0f} s, and readers look at every row since it began again and again; end it "
        f"in that program, or with pg_terminate_backend({holder.pid})."
    )


def _process(seen: ProcessState, now: datetime) -> ProcessLook:
    if seen.pid is None:
        return ProcessLook(seen, None, None)
    return ProcessLook(seen, (now - seen.since).total_seconds(), memory_bytes(seen.pid))


async def _look_at_database(settings: Settings) -> DatabaseLook | str:
    try:
        async with (
            Database(runtime.database_url(settings), connections_max=1) as database,
            database.connection() as db,
        ):
            facts, seconds = await database_facts(db), await answer_seconds(db)
            return DatabaseLook(seconds, facts, await _look_at_log(db))
    except (Unusable, *DATABASE_FAULTS) as fault:
        return sentence(fault)


async def _look_at_log(db: Db) -> LogLook | None:
    try:
        readers = await lag.lags(db)
        asked = await rebuild.asked_for(db)
        progress = {name: await rebuild.progress(db, name) for name in asked}
        return LogLook(
            readers,
            await positions.live_moves(db),
            {name: at for name, at in progress.items() if at is not None},
            await lag.oldest_transaction(db),
            await room_ahead(db),
            await parked.counts(db),
            await store.count_refused(db, status="open"),
        )
    except asyncpg.UndefinedTableError:
        return None


async def _look_at_hot(settings: Settings) -> HotLook | str:
    try:
        async with RedisHotStore(runtime.redis_url(settings)) as hot:
            facts = await hot.facts()
            began = time.perf_counter()
            await hot.ping()
            seconds = time.perf_counter() - began
            kept = [each.name for each in subscriptions() if each.to_hot is not None]
            return HotLook(seconds, facts, {name: await hot.mark_of(name) for name in kept})
    except (Unusable, HotStoreAway) as fault:
        return sentence(fault)
