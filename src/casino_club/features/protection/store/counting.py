"""The statements that every purchase and every play go through: they lock, begin new periods, judge and count at once.

Each matches no row if anything speaks against it, and then nothing has changed.
"""

from functools import cache
from typing import Final, NamedTuple

from casino_club.features.protection.rules.counting import SESSION_GAP_US
from casino_club.features.protection.rules.limits import LIMITED_CAPS, LIMITS, Limit, Measure, Period
from casino_club.features.protection.rules.occasions import REFUSED_FROM, Occasion
from casino_club.features.protection.rules.periods import Spans
from casino_club.features.protection.rules.standing import Status
from casino_club.infra.db.database import Db
from casino_club.kernel.clock import MINUTE_US


class Counted(NamedTuple):
    """The instant under which it was counted, and the status that let it be."""

    at_us: int
    status: Status


_START_OF: Final = {Period.DAY: "$4", Period.WEEK: "$5", Period.MONTH: "$6"}


async def counted(
    db: Db, user_id: int, occasion: Occasion, measure: Measure | None, amount: int, *, at_us: int, spans: Spans
) -> Counted | None:
    """Lock the user, judge and count; None if it may not be.

    Whoever comes late to a period that has ended meanwhile is counted in the one that has begun.
    """
    if occasion in (Occasion.BONUS, Occasion.GRANT):
        status = await db.fetchval(
            "SELECT status FROM protections WHERE user_id = $1 AND status < $2 FOR NO KEY UPDATE",
            *(user_id, REFUSED_FROM[occasion]),
        )
        return None if status is None else Counted(at_us, Status(status))
    starts = spans.starts_us
    row = await db.fetchrow(
        _counting(occasion, measure),
        *(user_id, amount, at_us, starts[Period.DAY], starts[Period.WEEK], starts[Period.MONTH]),
    )
    return None if row is None else Counted(row[0], Status(row[1]))


@cache
def _counting(occasion: Occasion, measure: Measure | None) -> str:
    counting = {measure} | ({Measure.TIME} if occasion is Occasion.BET else set())
    changes = [f"{limit.name} = {_after(limit, counting)}" for limit in LIMITS]
    changes += [f"{period}_us = greatest({period}_us, {start})" for period, start in _START_OF.items()]
    if occasion is Occasion.BET:
        changes.append("last_play_us = greatest(last_play_us, $3)")
        changes.append(f"sitting_began_us = CASE WHEN {_BEGINS_SITTING} THEN $3 ELSE sitting_began_us END")
    guards = [
        f"({_after(limit, counting)} <= {_cap(limit)}) IS NOT FALSE" for limit in LIMITS if limit.measure in counting
    ]
    # A bet in gems counts its time alone, but the statement is to know its amount's type all the same.
    return f"""UPDATE protections SET {", ".join(changes)}
        WHERE user_id = $1 AND $2::bigint >= 0 AND status < {REFUSED_FROM[occasion].value} AND {" AND ".join(guards)}
        RETURNING greatest($3::bigint, day_us), status"""  # noqa: S608 - made of our own enums, before any request


_BEGINS_SITTING: Final = f"$3 - last_play_us > {SESSION_GAP_US}"


def _after(limit: Limit, counting: set[Measure | None]) -> str:
    start = _START_OF[limit.period]
    held = f"CASE WHEN {limit.period}_us < {start} THEN 0 ELSE {limit.name} END"
    if limit.measure not in counting:
        return held
    if limit.measure is not Measure.TIME:
        return f"({held}) + $2"
    since = f"greatest(last_play_us, {limit.period}_us, {start})"
    return f"({held}) + CASE WHEN {_BEGINS_SITTING} THEN {MINUTE_US} ELSE greatest(0, $3 - {since}) END"


def _cap(limit: Limit) -> str:
    own, of_house = f"{limit.name}_max", LIMITED_CAPS.get(limit)
    if of_house is not None:
        own = f"least({own}, CASE WHEN status = {Status.LIMITED.value} THEN {of_house} END)"
    return f"{own} * {limit.measure.counted_in}"


async def give_back(db: Db, user_id: int, measure: Measure, amount: int, *, spans: Spans) -> None:
    """Take an amount off what was counted in these periods; those that are over need it no more."""
    starts = spans.starts_us
    await db.execute(
        _giving_back(measure), user_id, amount, *(starts[Period.DAY], starts[Period.WEEK], starts[Period.MONTH])
    )


@cache
def _giving_back(measure: Measure) -> str:
    changes = []
    for place, period in enumerate(Period, start=3):
        column = Limit(measure, period).name
        left = f"{column} - CASE WHEN {period}_us = ${place} THEN $2::bigint ELSE 0 END"
        changes.append(f"{column} = greatest(0, {left})" if measure is Measure.PURCHASES else f"{column} = {left}")
    return f"UPDATE protections SET {', '.join(changes)} WHERE user_id = $1"  # noqa: S608 - made of our own enums
