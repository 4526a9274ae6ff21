"""Statements about users' protection: reading it whole, locked or not, and saving what was decided."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import asyncpg

from casino_club.features.protection.rules.counting import Counts
from casino_club.features.protection.rules.limits import LIMITS, Limit, Measure, Period, Raise
from casino_club.features.protection.rules.standing import Standing, Status
from casino_club.infra.db.database import Db


@dataclass(frozen=True, slots=True)
class Protection:
    """All that is kept of a user's protection, but for raises and history."""

    standing: Standing
    counts: Counts
    caps: Mapping[Limit, int]
    """The limits that the user has set."""
    reality_minutes: int | None
    reality_seen_us: int


_NOBODYS: Final = Protection(Standing(), Counts(dict.fromkeys(Period, 0), dict.fromkeys(LIMITS, 0), 0, 0), {}, None, 0)


async def protection_of(db: Db, user_id: int) -> Protection:
    """The user's protection, as it is now."""
    row = await db.fetchrow("SELECT * FROM protections WHERE user_id = $1", user_id)
    return _NOBODYS if row is None else _protection(row)


async def locked(db: Db, user_id: int) -> Protection | None:
    """The same, locked until the transaction ends; None if there is no row yet."""
    row = await db.fetchrow("SELECT * FROM protections WHERE user_id = $1 FOR NO KEY UPDATE", user_id)
    return None if row is None else _protection(row)


async def add_user(db: Db, user_id: int) -> None:
    """Give the user a row, unless they have one."""
    await db.execute("INSERT INTO protections (user_id) VALUES ($1) ON CONFLICT DO NOTHING", user_id)


def _protection(row: asyncpg.Record) -> Protection:
    counts = Counts(
        {period: row[f"{period}_us"] for period in Period},
        {limit: row[limit.name] for limit in LIMITS},
        row["last_play_us"],
        row["sitting_began_us"],
    )
    caps = {limit: cap for limit in LIMITS if (cap := row[f"{limit.name}_max"]) is not None}
    standing = Standing(
        Status(row["status"]), row["until"], row["return_at"], Status(row["open_status"]), row["open_until"]
    )
    return Protection(standing, counts, caps, row["reality_minutes"], row["reality_seen_us"])


async def save_standing(db: Db, user_id: int, standing: Standing) -> None:
    """Save a locked user's standing."""
    await db.execute(
        """UPDATE protections SET status = $2, until = $3, return_at = $4, open_status = $5, open_until = $6
           WHERE user_id = $1""",
        *(user_id, standing.status.value, standing.until, standing.return_at),
        *(standing.open_status.value, standing.open_until),
    )


async def save_cap(db: Db, user_id: int, limit: Limit, amount: int | None) -> None:
    """Save a limit of a locked user's; no raise waits any more."""
    await db.execute(
        f"UPDATE protections SET {limit.name}_max = $2 WHERE user_id = $1",  # noqa: S608 - made of our own enums
        *(user_id, amount),
    )
    await drop_raise(db, user_id, limit)


async def save_raise(db: Db, user_id: int, limit: Limit, waiting: Raise) -> None:
    """Save a raise in place of one that waits already."""
    await db.execute(
        """INSERT INTO protection_raises (user_id, measure, period, amount, due_at) VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT (user_id, measure, period) DO UPDATE SET amount = $4, due_at = $5""",
        *(user_id, *limit, waiting.amount, waiting.due_at),
    )


async def drop_raise(db: Db, user_id: int, limit: Limit) -> bool:
    """Forget a raise; whether there was one."""
    found: bool | None = await db.fetchval(
        "DELETE FROM protection_raises WHERE user_id = $1 AND measure = $2 AND period = $3 RETURNING true",
        *(user_id, *limit),
    )
    return found is True


async def raises_of(db: Db, user_id: int) -> dict[Limit, Raise]:
    """The raises that wait."""
    rows = await db.fetch("SELECT measure, period, amount, due_at FROM protection_raises WHERE user_id = $1", user_id)
    return {Limit(Measure(row[0]), Period(row[1])): Raise(row[2], row[3]) for row in rows}


async def save_reality_minutes(db: Db, user_id: int, minutes: int | None) -> None:
    """Save how often the user wants a reality check."""
    await db.execute("UPDATE protections SET reality_minutes = $2 WHERE user_id = $1", user_id, minutes)


async def save_reality_seen(db: Db, user_id: int, *, at_us: int) -> None:
    """Save when the user has seen the last one."""
    await db.execute(
        "UPDATE protections SET reality_seen_us = greatest(reality_seen_us, $2) WHERE user_id = $1", user_id, at_us
    )


async def may_be_approached(db: Db, users: Collection[int]) -> frozenset[int]:
    """Of these users, those whom marketing may approach. That is all it learns."""
    rows = await db.fetch(
        """SELECT v.user_id FROM unnest($1::bigint[]) AS v (user_id)
           WHERE NOT EXISTS (SELECT FROM protections AS p WHERE p.user_id = v.user_id AND p.status >= $2)""",
        *(list(users), Status.LIMITED.value),
    )
    return frozenset(row[0] for row in rows)


async def counts_by_status(db: Db) -> dict[Status, int]:
    """How many users have each status, those whom nothing protects left out."""
    rows = await db.fetch("SELECT status, count(*) FROM protections WHERE status > 0 GROUP BY status")
    found = {Status(row[0]): row[1] for row in rows}
    return {status: found.get(status, 0) for status in Status if status is not Status.NORMAL}


async def note_change(
    db: Db,
    user_id: int,
    change: str,
    subject: str,
    *,
    by: str,
    at: datetime,
    amount: int | None = None,
    until: datetime | None = None,
) -> None:
    """Append to the history of the user's protection."""
    await db.execute(
        """INSERT INTO protection_changes (user_id, changed_at, changed_by, change, subject, amount, until)
           VALUES ($1, $2, $3, $4, $5, $6, $7)""",
        *(user_id, at, by, change, subject, amount, until),
    )


async def was_imposed(db: Db, user_id: int, status: Status) -> bool:
    """Whether it was staff who brought the user into this status last."""
    by: str | None = await db.fetchval(
        "SELECT changed_by FROM protection_changes WHERE user_id = $1 AND change = $2 ORDER BY id DESC LIMIT 1",
        *(user_id, status.word),
    )
    return by == "staff"


async def own_until(db: Db, user_id: int) -> datetime | None:
    """Until when the user wanted to rest of their own accord, since they last returned."""
    found: datetime | None = await db.fetchval(
        """SELECT max(until) FROM protection_changes AS c
           WHERE user_id = $1 AND changed_by = 'user' AND change IN ('paused', 'excluded') AND NOT EXISTS (
             SELECT FROM protection_changes AS later
             WHERE later.user_id = $1 AND later.change = 'returned' AND later.id > c.id)""",
        user_id,
    )
    return found


async def changes_of(db: Db, user_id: int, *, before_id: int | None, limit: int) -> list[asyncpg.Record]:
    """The history, newest first."""
    rows: list[asyncpg.Record] = await db.fetch(
        """SELECT id, changed_at, changed_by, change, subject, amount, until FROM protection_changes
           WHERE user_id = $1 AND ($2::bigint IS NULL OR id < $2) ORDER BY id DESC LIMIT $3""",
        *(user_id, before_id, limit),
    )
    return rows


async def forget_user(db: Db, user_id: int) -> None:
    """Delete all that is kept of an erased user."""
    for statement in (
        "DELETE FROM protections WHERE user_id = $1",
        "DELETE FROM protection_raises WHERE user_id = $1",
        "DELETE FROM protection_changes WHERE user_id = $1",
        "DELETE FROM consents WHERE user_id = $1",
    ):
        await db.execute(statement, user_id)
