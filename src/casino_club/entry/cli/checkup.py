"""The doctor's checks. Each looks at what was gathered and finds one thing; what can't be known is left out.

To add one, write a function from `Gathered` to a `Finding` and name it in `CHECKS`.
"""

import re
from collections.abc import Callable, Sequence
from ipaddress import ip_address

from casino_club.entry.cli import topic_checks
from casino_club.entry.cli.findings import Finding, Gathered, failure, ok, warning
from casino_club.entry.cli.printing import several
from casino_club.entry.standing import (
    LAG_SECONDS_MAX,
    OVERDUE_SECONDS_MAX,
    SILENT_SECONDS_MAX,
    holder_sentence,
)
from casino_club.entry.warehouse_standing import WarehouseLook
from casino_club.infra import runtime
from casino_club.infra.jobs.runs import State as RunState
from casino_club.infra.log import positions

PYTHON_MIN = (3, 11)
POSTGRESQL_MIN = 180_000
CLOCK_SECONDS_MAX = 1.0
DURABILITY = ("fsync", "synchronous_commit", "full_page_writes")
TIMEOUTS = ("transaction_timeout", "idle_in_transaction_session_timeout")


def python_version(given: Gathered) -> Finding:
    version = ".".join(map(str, given.python))
    if given.python[:2] < PYTHON_MIN:
        return failure("Python", f"version {version}", "install Python 3.11 or newer and make the environment again")
    return ok("Python", f"version {version}")


def packages(given: Gathered) -> Finding:
    missing = [name for name, (_, found) in given.packages.items() if found is None]
    old = [
        f"{name} {found} (wanted {wanted})"
        for name, (wanted, found) in given.packages.items()
        if found is not None and _numbers(found) < _numbers(wanted)
    ]
    if missing or old:
        return failure("Packages", ", ".join([*missing, *old]), "install Casino-Club again, in a fresh environment")
    return ok("Packages", f"{len(given.packages)} installed, none too old")


def settings(given: Gathered) -> Finding:
    if given.settings_problems:
        return failure("Settings", "; ".join(given.settings_problems), "see docs/reference/settings.md")
    return ok("Settings", "each within its bounds")


def senders(given: Gathered) -> Finding | None:
    if given.settings is None:
        return None
    host, proxies = given.settings.host, given.settings.proxies_in_front
    if proxies == 0 and not _is_loopback(host):
        mend = "set CASINO_CLUB_PROXIES_IN_FRONT to how many proxies of yours stand there; HTTPS needs one"
        return warning("Senders", f"{host} is open to others, and no proxy is said to stand in front", mend)
    return ok("Senders", f"told apart behind {several(proxies, 'proxy', 'proxies')}" if proxies else f"{host} alone")


def age_verifier(given: Gathered) -> Finding | None:
    if given.settings is None:
        return None
    if runtime.is_trial_gone_public(given.settings):
        mend = "set CASINO_CLUB_AGE_VERIFIER=none before people come: nobody's age counts as proven then"
        return warning("Age verifier", "the sandbox believes every date of birth", mend)
    return ok("Age verifier", given.settings.age_verifier)


def payment_provider(given: Gathered) -> Finding | None:
    if given.settings is None:
        return None
    if runtime.is_shop_of_a_trial_public(given.settings):
        mend = "set CASINO_CLUB_PAYMENT_PROVIDER=none before people come: nothing that costs money can be bought then"
        return warning("Payment provider", "the sandbox sells everything and takes no money", mend)
    return ok("Payment provider", given.settings.payment_provider)


def data_folder(given: Gathered) -> Finding | None:
    if given.folder is None:
        return None
    if given.folder.problem:
        return failure("Data folder", given.folder.problem, "make it yours, or set CASINO_CLUB_DATA_DIR")
    if not given.folder.exists:
        return warning("Data folder", "not there yet", "`casino-club up` makes it")
    return ok("Data folder", "may be written")


def free_space(given: Gathered) -> Finding | None:
    if given.folder is None or given.folder.free_mb is None or given.settings is None:
        return None
    free_mb, wanted_mb = given.folder.free_mb, given.settings.disk_free_mb_min
    if free_mb < wanted_mb:
        return failure("Free space", f"{free_mb:,} MB, {wanted_mb:,} MB are wanted", "free some, or add a disk")
    if free_mb < 4 * wanted_mb:
        return warning("Free space", f"{free_mb:,} MB", f"below {wanted_mb:,} MB `casino-club up` refuses to start")
    return ok("Free space", f"{free_mb:,} MB")


def postgresql_answers(given: Gathered) -> Finding | None:
    if given.look is None:
        return None
    if isinstance(given.look.database, str):
        found, _, mend = given.look.database.rpartition("; ")
        return failure("PostgreSQL", found or mend, mend)
    return ok("PostgreSQL", f"answers in {given.look.database.seconds * 1000:.2f} ms")


def postgresql_version(given: Gathered) -> Finding | None:
    if given.database is None:
        return None
    facts = given.database.facts
    if facts.version_number < POSTGRESQL_MIN:
        return failure("PostgreSQL version", facts.version, "upgrade to PostgreSQL 18 or newer")
    return ok("PostgreSQL version", facts.version)


def durability(given: Gathered) -> Finding | None:
    if given.database is None:
        return None
    off = [name for name in DURABILITY if given.database.facts.settings[name] == "off"]
    if off:
        mend = "set them to on in postgresql.conf: a crash may lose actions that were acknowledged"
        return failure("Durability", f"{', '.join(off)} off", mend)
    return ok("Durability", f"{', '.join(DURABILITY)} on")


def timeouts(given: Gathered) -> Finding | None:
    if given.database is None:
        return None
    unset = [name for name in TIMEOUTS if given.database.facts.settings[name] == "0"]
    if unset:
        mend = "set them (5min, 60s): a forgotten transaction holds every reader of the log back"
        return warning("Timeouts", f"{', '.join(unset)} not set", mend)
    return ok("Timeouts", "of transactions are set")


def migrations(given: Gathered) -> Finding | None:
    if given.pending_migrations is None:
        return None
    if given.pending_migrations:
        found = f"{several(len(given.pending_migrations), 'migration', 'migrations')} to run"
        return failure("Schema", found, "run `casino-club migrate`")
    return ok("Schema", "current")


def clock(given: Gathered) -> Finding | None:
    if given.database is None:
        return None
    seconds = given.database.facts.clock_ahead_seconds
    found = f"{abs(seconds):.3f} s {'behind' if seconds > 0 else 'ahead of'} the database's"
    if abs(seconds) >= CLOCK_SECONDS_MAX:
        return failure("Clock", found, "keep both machines in time with NTP, or streaks and days go wrong")
    return ok("Clock", found)


def redis_answers(given: Gathered) -> Finding | None:
    if given.look is None:
        return None
    if isinstance(given.look.hot, str):
        found, _, mend = given.look.hot.rpartition("; ")
        return failure("Redis", found or mend, mend)
    return ok("Redis", f"version {given.look.hot.facts.version} answers in {given.look.hot.seconds * 1000:.2f} ms")


def redis_persists(given: Gathered) -> Finding | None:
    if given.hot is None:
        return None
    survives = given.hot.facts.survives_restart
    if survives is None:
        return warning("Redis persistence", "may not be asked", "see to it that appendonly or save is set")
    if not survives:
        mend = "set appendonly yes, or save; until then every restart of Redis means a replay"
        return failure("Redis persistence", "off", mend)
    return ok("Redis persistence", "on")


def redis_keeps_all(given: Gathered) -> Finding | None:
    if given.hot is None:
        return None
    when_full = given.hot.facts.when_full
    if when_full != "noeviction":
        mend = "set maxmemory-policy noeviction: what Redis drops in silence reads as 0"
        return failure("Redis when full", when_full, mend)
    return ok("Redis when full", "refuses writes, drops nothing")


def warehouse_answers(given: Gathered) -> Finding | None:
    if given.look is None or given.look.warehouse is None:
        return None
    if isinstance(given.look.warehouse, str):
        found, _, mend = given.look.warehouse.rpartition("; ")
        return warning("Warehouse", found or mend, mend)
    if given.look.warehouse.generation is None:
        return warning("Warehouse", "has no tables yet", "run `casino-club migrate`, or start `casino-club consumer`")
    return ok("Warehouse", f"answers in {given.look.warehouse.seconds * 1000:.2f} ms")


def warehouse_tables(given: Gathered) -> Finding | None:
    if given.look is None or not isinstance(given.look.warehouse, WarehouseLook):
        return None
    if lacking := given.look.warehouse.lacking:
        return failure("Warehouse's tables", f"lack {', '.join(lacking)}", "run `casino-club migrate`")
    return ok("Warehouse's tables", "as this version wants them")


def room(given: Gathered) -> Finding | None:
    if given.look is None or given.look.log is None or given.settings is None:
        return None
    ahead, wanted = given.look.log.room.ids_ahead, given.settings.log_partition_rows
    found = f"{ahead:,} ids ahead of the log"
    if ahead == 0:
        return failure("Partitions", found, "run `casino-club migrate`, which makes more")
    if ahead < wanted:
        return warning("Partitions", found, "less than one partition; run `casino-club migrate`")
    return ok("Partitions", found)


def readers_have_positions(given: Gathered) -> Finding | None:
    if given.look is None or given.look.log is None:
        return None
    missing = [name for name in given.subscribed if name not in given.look.log.moves]
    if missing:
        return failure(
            "Positions", f"none of {', '.join(missing)}", "start `casino-club consumer`, or `casino-club up`"
        )
    return ok("Positions", f"{several(len(given.subscribed), 'reader has its', 'readers have theirs')}")


def no_position_is_left_over(given: Gathered) -> Finding | None:
    if given.look is None or given.look.log is None:
        return None
    if left := sorted({each.consumer for each in given.look.log.readers} - set(given.subscribed)):
        mend = f"they keep partitions from being archived: `casino-club consumers forget {left[0]}`"
        return warning("Left-over positions", f"nothing reads the log for {', '.join(left)} any more", mend)
    return ok("Left-over positions", "none")


def readers_keep_up(given: Gathered) -> Finding | None:
    if given.look is None or given.look.log is None:
        return None
    live = [
        reader
        for reader in given.look.log.readers
        if reader.generation == positions.LIVE and reader.consumer in given.subscribed
    ]
    silent = [each.consumer for each in live if (given.look.at - each.moved_at).total_seconds() > SILENT_SECONDS_MAX]
    if silent:
        mend = "start `casino-club consumer`, or `casino-club up`"
        return failure("Readers", f"nobody follows the log for {', '.join(silent)}", mend)
    behind = [f"{each.consumer} by {each.seconds:.0f} s" for each in live if each.seconds > LAG_SECONDS_MAX]
    if behind:
        return warning("Readers", f"behind: {', '.join(behind)}", "wait, and look at the consumer's log if it grows")
    return ok("Readers", "keep up with the log")


def hot_store_agrees(given: Gathered) -> Finding | None:
    if given.hot is None or given.look is None or given.look.log is None:
        return None
    moves = given.look.log.moves
    lost = [name for name, mark in given.hot.marks.items() if (mark or 0) < moves.get(name, 0)]
    if lost:
        mend = f"a consumer that runs makes it again by itself; else `casino-club replay {lost[0]}`"
        return failure("Hot values", f"Redis has lost writes of {', '.join(lost)}", mend)
    return ok("Hot values", "Redis holds all that was written to it")


def parked_rows(given: Gathered) -> Finding | None:
    if given.look is None or given.look.log is None:
        return None
    if parked := given.look.log.parked:
        found = ", ".join(f"{number:,} of {name}" for name, number in parked.items())
        return warning("Parked rows", found, "see `casino-club parked list`, then `casino-club parked retry --all`")
    return ok("Parked rows", "none")


def conservation(given: Gathered) -> Finding | None:
    if given.look is None or given.look.log is None:
        return None
    standing = given.look.log.conservation
    if standing.open_minutes:
        return failure("Conservation", standing.sentence, "see /api/admin/conservation?state=open for what differs")
    return ok("Conservation", "every minute that is due has closed")


def long_transaction(given: Gathered) -> Finding | None:
    if given.look is None or given.look.log is None:
        return None
    if holder := given.look.log.holder:
        found, _, mend = holder_sentence(holder).partition("; ")
        return warning("Transactions", found, mend.removesuffix("."))
    return ok("Transactions", "none is open for long")


def jobs_keep_their_times(given: Gathered) -> Finding | None:
    if given.look is None or given.look.log is None:
        return None
    late = [each.job.name for each in given.look.jobs if each.overdue_seconds > OVERDUE_SECONDS_MAX]
    failed = [each.job.name for each in given.look.jobs if each.last_run and each.last_run.state is RunState.FAILED]
    if late:
        return failure("Jobs", f"late: {', '.join(late)}", "start `casino-club scheduler` and `worker`, or `up`")
    if failed:
        return warning(
            "Jobs", f"failed last: {', '.join(failed)}", "see the worker's log, then `casino-club jobs list`"
        )
    return ok("Jobs", "none is late")


def identity_providers(given: Gathered) -> Finding | None:
    if given.providers is None:
        return None
    if isinstance(given.providers, str):
        return failure("Identity providers", given.providers, "see docs/oidc.md")
    if not given.providers:
        return ok("Identity providers", "none is named; people log in with passwords")
    if wrong := [f"{each.id}: {each.problem}" for each in given.providers if each.problem]:
        return failure("Identity providers", "; ".join(wrong), "compare the file with what the provider shows you")
    if silent := [each.id for each in given.providers if not each.names_s256]:
        mend = "ask its operator whether it checks PKCE by S256; its discovery does not say"
        return warning("Identity providers", f"{', '.join(silent)} may not check PKCE", mend)
    return ok("Identity providers", f"{several(len(given.providers), 'answers', 'answer')}, and can be used")


def serves(given: Gathered) -> Finding | None:
    if given.settings is None:
        return None
    place = f"{given.settings.host}:{given.settings.port}"
    if given.ready_status is None:
        mend = "start `casino-club up`, or set CASINO_CLUB_HOST and CASINO_CLUB_PORT to where it serves"
        return failure("HTTP", f"nothing answers at {place}", mend)
    if given.ready_status != 200:
        return failure("HTTP", f"/readyz at {place} answers {given.ready_status}", "mend what failed above")
    return ok("HTTP", f"ready at {place}")


CHECKS: tuple[Callable[[Gathered], Finding | None], ...] = (
    python_version,
    packages,
    settings,
    senders,
    age_verifier,
    payment_provider,
    data_folder,
    free_space,
    postgresql_answers,
    postgresql_version,
    durability,
    timeouts,
    migrations,
    clock,
    redis_answers,
    redis_persists,
    redis_keeps_all,
    warehouse_answers,
    warehouse_tables,
    *topic_checks.CHECKS,
    room,
    readers_have_positions,
    no_position_is_left_over,
    readers_keep_up,
    hot_store_agrees,
    parked_rows,
    conservation,
    long_transaction,
    jobs_keep_their_times,
    identity_providers,
    serves,
)
"""In the order in which they are shown: what the others rest on comes first."""


def applicable(given: Gathered) -> Sequence[Callable[[Gathered], Finding | None]]:
    """The checks that mean something here: those of Kafka do only where there is a topic."""
    return CHECKS if given.topic is not None else [each for each in CHECKS if each not in topic_checks.CHECKS]


def check_up(given: Gathered) -> list[Finding]:
    """What each check finds."""
    return [finding for check in CHECKS if (finding := check(given)) is not None]


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:3])
