"""Stocktaking: what was settled since the last look is added up by minute, and minutes close when everything agrees.

Both sides of a sum are read in one snapshot, so they hold the same transactions: whoever commits late, or by a clock
that is wrong, adds to both at once.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from prometheus_client import Metric

from casino_club.features.actions import public as actions
from casino_club.features.operations import rules, store
from casino_club.features.operations.commands.places import Places
from casino_club.features.operations.rules import Minute, Side, Standing
from casino_club.infra.db.database import Database, Db
from casino_club.infra.log import positions
from casino_club.infra.log.partitions import partitions_of
from casino_club.infra.log.reader import Position
from casino_club.infra.log.snapshots import begun_before, parsed
from casino_club.infra.telemetry.metrics import sample

logger = logging.getLogger(__name__)

NAME = "conservation"
"""Of its position among those of other readers of the log."""
AS_OF_ONE_MOMENT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
TRANSACTIONS_MAX = 20_000
PASSES_MAX = 1_000
MINUTES_OPEN_MAX = 1_440


async def begin(db: Db) -> None:
    """Account for what is settled from now on, unless that has begun. What was in the log before has no counts."""
    held = await positions.take(db, NAME)
    if held.moves == 0 or held.position.carry_to is not None:
        await _begin_anew(db, held)


async def take_stock(database: Database, places: Places, *, now: Callable[[], datetime]) -> None:
    """Ask every place how much of open minutes has arrived, add up what is new, and close the minutes that agree.

    The places are asked first: what they have by then is in the log when that is looked at.
    """
    async with database.connection() as db:
        found = await store.open_minutes(db, limit=MINUTES_OPEN_MAX)
    waiting = [each for each in found if not rules.is_running(each, now=now())]
    try:
        arrived = await _arrived(waiting, places)
    finally:  # A place that does not answer keeps minutes open, but counts must not pile up meanwhile.
        for _ in range(PASSES_MAX):
            if not await database.run(partial(_add_up, now=now()), first=AS_OF_ONE_MOMENT):
                break
    if waiting:
        await database.run(partial(_close, seen=waiting, arrived=arrived, now=now()))


async def standing(db: Db, *, now: datetime) -> Standing:
    """How the stocktaking stands."""
    late = [each for each in await store.open_minutes(db, limit=MINUTES_OPEN_MAX) if rules.is_late(each, now=now)]
    return Standing(now, await positions.moved_at(db, NAME), late)


async def standing_metrics(database: Database, *, now: datetime) -> Iterable[Metric]:
    """The same for a scrape. It tells also when nobody takes stock at all."""
    async with database.connection() as db:
        found = await standing(db, now=now)
    return [
        sample("casino_club_conservation_open_minutes", {(): found.open_minutes}),
        sample("casino_club_conservation_difference", {(side,): gap for side, gap in found.differences.items()}),
    ]


async def _arrived(minutes: Sequence[Minute], places: Places) -> dict[Side, Mapping[datetime, int]]:
    return {side: await count(minutes) for side, count in places.items()} if minutes else {}


async def _add_up(db: Db, *, now: datetime) -> bool:
    """Whether there is more."""
    if not await store.turn_is_ours(db):
        return False
    held = await positions.take(db, NAME)
    if held.moves == 0 or held.position.carry_to is not None:
        await _begin_anew(db, held)
        return False
    position = held.position
    current = await store.snapshot(db)
    until = begun_before(current, parsed(position.delivered).xmin + TRANSACTIONS_MAX)
    counts = await actions.take_counts(db, since=position.delivered, until=until, floor_id=position.floor_id)
    known = {each.minute: each for each in await store.minutes_at(db, [each.minute for each in counts])}

    changed = [_added(known.get(each.minute, Minute(each.minute, now)), each, now=now) for each in counts]

    await store.save_minutes(db, changed)
    await positions.move(db, held, Position(delivered=until))
    return until != current


async def _begin_anew(db: Db, held: positions.Held) -> None:
    """At the first start, and after a restore from a dump, whose transactions mean nothing here."""
    until = await store.snapshot(db)
    await actions.forget_counts(db)
    gone = await store.forget_open_minutes(db)
    await positions.move(db, held, Position(delivered=until))
    logger.info("stock is taken of what is settled from now on", extra={"minutes_given_up": gone})


def _added(minute: Minute, more: actions.MinuteCounts, *, now: datetime) -> Minute:
    kept = {code: minute.kept.get(code, 0) + more.kept.get(code, 0) for code in sorted({*minute.kept, *more.kept})}
    ids = [each for each in (minute.first_id, minute.last_id, more.stored.first_id, more.stored.last_id) if each]
    return replace(
        minute,
        received=minute.received + more.received,
        accepted=minute.accepted + more.accepted,
        duplicate=minute.duplicate + more.duplicate,
        refused=minute.refused + more.refused,
        own=minute.own + more.own,
        stored=minute.stored + more.stored.rows,
        stored_own=minute.stored_own + more.stored.own,
        kept=kept,
        first_id=min(ids, default=None),
        last_id=max(ids, default=None),
        changed_at=now,
        closed_at=None,
    )


async def _close(
    db: Db, *, seen: Sequence[Minute], arrived: Mapping[Side, Mapping[datetime, int]], now: datetime
) -> None:
    """Write down how many rows have arrived; what has changed since it was seen is left for the next time."""
    if not await store.turn_is_ours(db):
        return
    current = {each.minute: each for each in await store.minutes_at(db, [each.minute for each in seen])}
    same = [each for each in seen if current.get(each.minute) == each]
    judged = [
        _judged(each, {side: found.get(each.minute, 0) for side, found in arrived.items()}, now=now) for each in same
    ]
    await store.save_minutes(db, [after for before, after in zip(same, judged, strict=True) if after != before])


def _judged(minute: Minute, elsewhere: Mapping[Side, int], *, now: datetime) -> Minute:
    counted = replace(minute, elsewhere={str(side): rows for side, rows in elsewhere.items()})
    return replace(counted, closed_at=now if rules.closes(counted, now=now) else None)


async def recheck(database: Database, places: Places, *, now: datetime) -> int:
    """Count closed minutes of the last days again; how many opened, since rows were lost or came in twice."""
    opened = 0
    since, end = now - rules.RECHECKED, now - rules.RECHECKED_AFTER
    while since < end:
        before = min(since + rules.RECHECKED_AT_ONCE, end)
        opened += await _recheck(database, places, since=since, before=before, now=now)
        since = before
    return opened


async def _recheck(database: Database, places: Places, *, since: datetime, before: datetime, now: datetime) -> int:
    async with database.connection() as db:
        closed = await store.closed_minutes(db, since=since, before=before)
    arrived = await _arrived(closed, places)
    recount = partial(_recount, since=since, before=before, arrived=arrived, now=now)
    return await database.run(recount, first=AS_OF_ONE_MOMENT)


async def _recount(
    db: Db, *, since: datetime, before: datetime, arrived: Mapping[Side, Mapping[datetime, int]], now: datetime
) -> int:
    position = (await positions.take(db, NAME)).position
    first_id = (await partitions_of(db))[0].first_id
    closed = [
        each
        for each in await store.closed_minutes(db, since=since, before=before)
        if each.first_id is None or each.first_id >= first_id
    ]
    rows = await _rows_of(db, closed, position)

    again = [_recounted(each, rows.get(each.minute, (0, 0)), arrived) for each in closed]

    opened = [replace(each, changed_at=now, closed_at=None) for each in again if rules.gaps(each)]
    await store.save_minutes(db, opened)
    return len(opened)


def _recounted(minute: Minute, rows: tuple[int, int], arrived: Mapping[Side, Mapping[datetime, int]]) -> Minute:
    again = {str(side): found.get(minute.minute, 0) for side, found in arrived.items()}
    return replace(minute, stored=rows[0], stored_own=rows[1], elsewhere={**minute.elsewhere, **again})


async def _rows_of(db: Db, minutes: Sequence[Minute], position: Position) -> dict[datetime, tuple[int, int]]:
    """The rows that lie between the ids seen of these minutes; those of others among them do no harm."""
    first = min((each.first_id for each in minutes if each.first_id), default=1)
    last = max((each.last_id for each in minutes if each.last_id), default=0)
    return await actions.recount(db, first_id=first, last_id=last, until=position.delivered, floor_id=position.floor_id)
