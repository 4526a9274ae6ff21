"""How a platform stands, gathered in one look. What does not answer is told in a sentence, never raised."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import msgspec

from casino_club.entry import warehouse_standing
from casino_club.entry.wiring import Platform, inspections, jobs, readers, subscriptions, zone_of
from casino_club.features.actions.store.refusals import count_refused
from casino_club.features.operations.commands import conservation
from casino_club.features.operations.rules import Standing
from casino_club.features.operations.schemas import job_out
from casino_club.features.privacy.store import erasures
from casino_club.features.wallet.commands import checking
from casino_club.infra import machine, runtime
from casino_club.infra.backends.hot_store import RedisHotStore
from casino_club.infra.db.database import NO_SCHEMA, SERVER_AWAY, Database, Db
from casino_club.infra.db.facts import DatabaseFacts, answer_seconds, database_facts
from casino_club.infra.jobs import timetable
from casino_club.infra.jobs.runs import State
from casino_club.infra.jobs.timetable import JobStanding
from casino_club.infra.log import lag, parked, positions, rebuild, relay
from casino_club.infra.log.lag import Holder, Lag
from casino_club.infra.log.rebuild import Progress
from casino_club.infra.log.room import Room, room_ahead
from casino_club.infra.ports import HotFacts, HotStore, HotStoreAway, Unusable, WarehouseAway
from casino_club.infra.processes import ProcessState, is_supervised, memory_bytes, processes
from casino_club.infra.settings import Settings
from casino_club.kernel.errors import Refused

LAG_SECONDS_MAX = 30.0
SILENT_SECONDS_MAX = 60.0
"""A live reader writes its position down every ten seconds, even when nothing happens."""
OVERDUE_SECONDS_MAX = 60.0
ERASURE_WAITS_SECONDS_MAX = 900.0
"""A store may be away for a while; then somebody has to look."""

DATABASE_FAULTS = (
    *SERVER_AWAY,
    OSError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.UndefinedTableError,
)
"""Why a database may be of no use to us, apart from bugs of ours."""


def sentence(fault: BaseException) -> str:
    """What went wrong and what to do about it. Addresses are left out: they hold passwords."""
    match fault:
        case Unusable():
            return str(fault)
        case Refused():
            return fault.message
        case WarehouseAway():
            return warehouse_standing.warehouse_sentence(fault)
        case HotStoreAway():
            return f"{fault}; run `casino-club up`, or check CASINO_CLUB_REDIS_URL."
        case asyncpg.UndefinedTableError():
            return NO_SCHEMA
    reason = (str(fault).splitlines() or [type(fault).__name__])[0]
    return f"PostgreSQL does not answer ({reason}); run `casino-club up`, or check CASINO_CLUB_DATABASE_URL."


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
    erasure_waits_seconds: float
    conservation: Standing


@dataclass(frozen=True, slots=True)
class DatabaseLook:
    """PostgreSQL. `log` is None when the schema is missing."""

    seconds: float
    facts: DatabaseFacts
    log: LogLook | None
    jobs: Sequence[JobStanding] = ()
    ledger: Mapping[str, int] = field(default_factory=dict)
    """How often the last check found each invariant broken; empty as long as there was none."""


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
    readers: frozenset[str] = frozenset()
    """Who should read the log."""
    warehouse: warehouse_standing.WarehouseLook | str | None = None
    """None if this platform does without."""

    @property
    def log(self) -> LogLook | None:
        return self.database.log if isinstance(self.database, DatabaseLook) else None

    @property
    def jobs(self) -> Sequence[JobStanding]:
        return self.database.jobs if isinstance(self.database, DatabaseLook) else ()


async def look(settings: Settings) -> Look:
    """Look at the processes of this machine and at both servers. The database first: its marks are the older ones."""
    return await _look(settings, _open_and_look_at_database(settings), lambda: _open_and_look_at_hot(settings))


async def look_over(platform: Platform) -> Look:
    """The same with the servers that are open already."""
    settings = platform.settings
    return await _look(settings, _look_at_database(settings, platform.database), lambda: _look_at_hot(platform.hot))


async def _look(
    settings: Settings, database: Awaitable[DatabaseLook | str], hot: Callable[[], Awaitable[HotLook | str]]
) -> Look:
    """The warehouse is asked on a connection of its own: whether it can be reached at all is part of the answer."""
    data_dir, now = machine.absolute(settings.data_dir), datetime.now(UTC)
    running = await asyncio.to_thread(lambda: [_process(each, now) for each in processes(data_dir)])
    return Look(
        now,
        data_dir,
        is_supervised(data_dir),
        running,
        await database,
        await hot(),
        readers(settings),
        await warehouse_standing.look_at_warehouse(settings),
    )


def problems(seen: Look) -> list[str]:
    """What is wrong, a sentence each, with what to do."""
    found = [
        f"{each.seen.name} {trouble}; see {seen.data_dir / 'logs' / each.seen.name}.log."
        for each in seen.processes
        if seen.is_supervised and (trouble := each.seen.trouble(seen.at))
    ]
    found += [server for server in (seen.database, seen.hot) if isinstance(server, str)]
    found += warehouse_standing.warehouse_problems(seen.warehouse)
    if isinstance(seen.database, DatabaseLook):
        if seen.log is None:
            found.append(NO_SCHEMA)
        else:
            found += _log_problems(seen.log, seen.at, seen.readers)
            found += _ledger_problems(seen.database.ledger)
    return found + [why for standing in seen.jobs for why in _job_problems(standing)]


def _job_problems(standing: JobStanding) -> Iterator[str]:
    name, run = standing.job.name, standing.last_run
    if standing.overdue_seconds > OVERDUE_SECONDS_MAX:
        yield (
            f"{name} should have begun {standing.overdue_seconds:.0f} s ago; see that a scheduler and a worker run, "
            "and their logs."
        )
    if run is not None and run.state is State.FAILED:
        yield (
            f"The last run of {name} failed ({run.error_code}); see the worker's log, then "
            f"`casino-club jobs retry {run.id}`."
        )


def _ledger_problems(ledger: Mapping[str, int]) -> Iterator[str]:
    if broken := [name for name, times in ledger.items() if times]:
        yield (
            f"The ledger's last check found {', '.join(broken)} broken; let nobody pay or play until "
            "GET /api/admin/invariants, which shows examples, is understood."
        )


def _log_problems(log: LogLook, at: datetime, known: frozenset[str]) -> list[str]:
    live = [reader for reader in log.readers if reader.generation == positions.LIVE and reader.consumer in known]
    found = [
        f"{name} reads the log no more, and its position keeps partitions from being archived; drop it with "
        f"`casino-club consumers forget {name}`."
        for name in sorted({reader.consumer for reader in log.readers} - known)
    ]
    found += [
        f"{reader.consumer} is {reader.seconds:.0f} s behind; if that grows, see the {process_of(reader)}'s log."
        for reader in live
        if reader.seconds > LAG_SECONDS_MAX
    ]
    found += [
        f"Nobody has followed the log for {reader.consumer} for {silent:.0f} s; start "
        f"`casino-club {process_of(reader)}`, or `up`."
        for reader in live
        if (silent := (at - reader.moved_at).total_seconds()) > SILENT_SECONDS_MAX
    ]
    if log.conservation.late:
        found.append(f"{log.conservation.sentence} See /api/admin/conservation?state=open.")
    if log.holder:
        found.append(holder_sentence(log.holder))
    if log.erasure_waits_seconds > ERASURE_WAITS_SECONDS_MAX:
        found.append(
            f"An erasure has waited for {log.erasure_waits_seconds / 60:.0f} min; `casino-club users erasures` says "
            "for which stores, and the worker's log why."
        )
    if log.room.ids_ahead == 0:
        found.append("The log has no partition ahead; run `casino-club migrate`.")
    found += [
        f"{number:,} {'row is' if number == 1 else 'rows are'} parked for {name}; mend the cause that "
        "`casino-club parked list` shows, then `casino-club parked retry --all`."
        for name, number in log.parked.items()
    ]
    return found


def process_of(reader: Lag) -> str:
    """The command that follows the log for this reader."""
    return "relay" if reader.consumer == relay.NAME else "consumer"


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


async def _open_and_look_at_database(settings: Settings) -> DatabaseLook | str:
    try:
        async with Database(runtime.database_url(settings), connections_max=1) as database:
            return await _look_at_database(settings, database)
    except (Unusable, *DATABASE_FAULTS) as fault:
        return sentence(fault)


async def _look_at_database(settings: Settings, database: Database) -> DatabaseLook | str:
    try:
        async with database.connection() as db:
            facts, seconds = await database_facts(db), await answer_seconds(db)
            log = await _look_at_log(db)
            standings = []
            if log is not None:
                standings = await timetable.standings(db, jobs(), zone=zone_of(settings), now=datetime.now(UTC))
            found = {} if log is None else await checking.violations(db, inspections())
            ledger = {str(each): times for each, times in found.items()}
            return DatabaseLook(seconds, facts, log, standings, ledger)
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
            await count_refused(db, status="open"),
            await erasures.waits_seconds(db, now=datetime.now(UTC)),
            await conservation.standing(db, now=datetime.now(UTC)),
        )
    except asyncpg.UndefinedTableError:
        return None


async def _open_and_look_at_hot(settings: Settings) -> HotLook | str:
    try:
        async with RedisHotStore(runtime.redis_url(settings)) as hot:
            return await _look_at_hot(hot)
    except Unusable as fault:
        return sentence(fault)


async def _look_at_hot(hot: HotStore) -> HotLook | str:
    try:
        facts = await hot.facts()
        began = time.perf_counter()
        await hot.ping()
        seconds = time.perf_counter() - began
        kept = [each.name for each in subscriptions() if each.to_hot is not None]
        return HotLook(seconds, facts, {name: await hot.mark_of(name) for name in kept})
    except HotStoreAway as fault:
        return sentence(fault)


def nothing_runs(seen: Look) -> bool:
    """No process of ours, and no database that would be one elsewhere."""
    return not seen.is_supervised and isinstance(seen.database, str)


def described(seen: Look, wrong: Sequence[str]) -> dict[str, object]:
    """The look in plain words and numbers, as `status --json` and the API give it."""
    return {
        "ok": not wrong,
        "problems": list(wrong),
        "running": not nothing_runs(seen),
        "at": seen.at,
        "data_dir": str(seen.data_dir),
        "processes": [_described_process(each) for each in seen.processes],
        "postgresql": _described_database(seen.database),
        "redis": _described_hot(seen.hot),
        "warehouse": warehouse_standing.described_warehouse(seen.warehouse),
        "log": _described_log(seen.log) if seen.log else None,
        "jobs": [msgspec.to_builtins(job_out(each)) for each in seen.jobs],
    }


def _described_process(each: ProcessLook) -> dict[str, object]:
    seen = each.seen
    return {
        "name": seen.name,
        "state": seen.state,
        "detail": seen.detail,
        "pid": seen.pid,
        "restarts": seen.restarts,
        "since": seen.since,
        "uptime_seconds": each.uptime_seconds,
        "memory_bytes": each.memory_bytes,
    }


def _described_database(database: DatabaseLook | str) -> dict[str, object]:
    if isinstance(database, str):
        return {"answers": False, "problem": database}
    return {
        "answers": True,
        "version": database.facts.version,
        "answer_seconds": database.seconds,
        "ledger_violations": sum(database.ledger.values()) if database.ledger else None,
    }


def _described_hot(hot: HotLook | str) -> dict[str, object]:
    if isinstance(hot, str):
        return {"answers": False, "problem": hot}
    return {"answers": True, "version": hot.facts.version, "answer_seconds": hot.seconds}


def _described_log(log: LogLook) -> dict[str, object]:
    return {
        "last_id": log.room.last_id,
        "partitions": log.room.partitions,
        "ids_ahead": log.room.ids_ahead,
        "readers": [reader._asdict() for reader in log.readers],
        "rebuilds": {name: at._asdict() for name, at in log.rebuilds.items()},
        "oldest_transaction": log.holder._asdict() if log.holder else None,
        "parked_rows": log.parked,
        "refused_actions_open": log.refused_open,
        "erasure_waits_seconds": log.erasure_waits_seconds,
        "conservation": {
            "taken_at": log.conservation.taken_at,
            "open_minutes": log.conservation.open_minutes,
            "differences": {str(side): gap for side, gap in log.conservation.differences.items()},
            "sentence": log.conservation.sentence,
        },
    }
