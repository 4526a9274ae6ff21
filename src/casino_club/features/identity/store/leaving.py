"""What is left to do with somebody who goes: hand out what is kept of them, and delete it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from casino_club.features.identity.rules.sessions import check_reads
from casino_club.infra.db.database import Db
from casino_club.kernel.subject import UserSubject


async def remove_user(db: Db, user_id: int) -> None:
    """Delete the user with their data key and all that hangs on them."""
    await db.execute("DELETE FROM users WHERE id = $1", user_id)


async def forget_attempts_of(db: Db, keys: Collection[bytes]) -> None:
    """Delete these counts of attempts."""
    await db.execute("DELETE FROM attempts WHERE key = ANY($1)", list(keys))


async def pass_over(db: Db, user_id: int) -> None:
    """Give this number to nobody who signs up from now on."""
    await db.execute(
        "SELECT setval(seq, greatest(last_value, $1)) FROM"
        " (SELECT pg_get_serial_sequence('users', 'id') AS seq) AS s,"
        " (SELECT last_value FROM users_id_seq) AS now",
        user_id,
    )


async def user_row(db: Db, subject: UserSubject, user_id: int) -> Mapping[str, Any] | None:
    """All that stands in clear about a user."""
    check_reads(subject, user_id)
    row = await db.fetchrow(
        "SELECT users.*, f.confirmed_at AS second_factor_since,"
        " (SELECT count(*) FROM recovery_codes AS c WHERE c.user_id = users.id) AS recovery_codes_left,"
        " a.asked_at AS age_asked_at, a.settled_at AS age_settled_at, a.is_of_age, a.reference AS age_reference"
        " FROM users LEFT JOIN second_factors AS f ON f.user_id = users.id"
        " LEFT JOIN age_checks AS a ON a.user_id = users.id WHERE users.id = $1",
        user_id,
    )
    return None if row is None else dict(row)


async def sessions_after(
    db: Db, subject: UserSubject, user_id: int, *, after_id: int, limit: int
) -> Sequence[Mapping[str, Any]]:
    """All sessions of a user, those that are over too, by id."""
    check_reads(subject, user_id)
    rows = await db.fetch(
        "SELECT id, began_at, last_used_at, ends_at, ended_at, ended_because, device, has_second_factor"
        " FROM sessions WHERE user_id = $1 AND id > $2 ORDER BY id LIMIT $3",
        *(user_id, after_id, limit),
    )
    return [dict(row) for row in rows]
