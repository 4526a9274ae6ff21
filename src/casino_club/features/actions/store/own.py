"""Appending what the platform itself has done with one user: their standing, keys, counts and rows in one statement."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final
from uuid import UUID

from casino_club.features.actions.rules.admission import ReadyRow
from casino_club.features.actions.rules.standing import Standing
from casino_club.features.actions.store.counting import IntakeCounts
from casino_club.infra.db.database import Db
from casino_club.infra.db.values import flat, placeholders
from casino_club.kernel.clock import from_us

_STANDING: Final = "SELECT user_id, streak, day_plays, last_play_us, last_action_us FROM action_user"


async def locked(db: Db, users: Sequence[int]) -> dict[int, Standing]:
    """Lock the users' rows, given in ascending order: how those stand who have one."""
    if len(users) == 1:
        rows = await db.fetch(f"{_STANDING} WHERE user_id = $1 FOR UPDATE", users[0])
    else:
        rows = await db.fetch(f"{_STANDING} WHERE user_id = ANY($1::bigint[]) ORDER BY user_id FOR UPDATE", users)
    return {row[0]: Standing(row[1], row[2], row[3], row[4]) for row in rows}


async def append_rows(
    db: Db, rows: Sequence[ReadyRow], before: Standing, after: Sequence[Standing], counts: IntakeCounts
) -> list[int] | None:
    """Append rows of one user, who stands like this after each; their ids, drawn once the user is locked.

    None if the user does not stand as `before` any more, or is gone, and then nothing has changed. Raises
    UniqueViolationError if a key is taken.
    """
    end = after[-1]
    ids: list[int] | None = await db.fetchval(
        _appending(len(rows)),
        *(rows[0].user_id, before.streak, before.day_plays, before.last_play_us, before.last_action_us),
        *(end.streak, end.day_plays, end.last_play_us, end.last_action_us),
        *counts.columns,
        from_us(counts.now_us),
        *flat(map(_fields, rows, after)),
    )
    return ids


def _fields(row: ReadyRow, standing: Standing) -> tuple[object, ...]:
    """In the order of `_TYPES`."""
    return (
        row.scope,
        None if row.key is None else UUID(bytes=row.key),
        row.body_hash,
        None if row.client_action_id is None else UUID(bytes=row.client_action_id),
        row.action_type,
        row.value,
        row.metadata.decode(),
        from_us(row.at_us),
        None if row.round_id is None else UUID(bytes=row.round_id),
        row.is_play,
        row.by_user,
        standing.streak,
        standing.day_plays,
        from_us(standing.last_play_us) if standing.last_play_us else None,
        from_us(standing.last_action_us),
    )


_TYPES: Final = (
    *("int", "uuid", "bytea", "uuid", "text", "bigint", "jsonb", "timestamptz", "uuid", "bool", "bool"),
    *("int", "int", "timestamptz", "timestamptz"),
)
_COLUMNS: Final = (
    "scope, client_action_id, action_type, value, metadata, action_timestamp, round_id, is_play, by_user,"
    " streak, day_plays, last_play_at, last_action_at"
)


@lru_cache(maxsize=256)
def _appending(rows: int) -> str:
    return f"""WITH held AS (
            UPDATE action_user SET streak = $6, day_plays = $7, last_play_us = $8, last_action_us = $9
            WHERE user_id = $1 AND (streak, day_plays, last_play_us, last_action_us) = ($2, $3, $4, $5)
                  AND erased_at IS NULL
            RETURNING user_id),
        drawn AS MATERIALIZED (
            SELECT nextval('action_ids') AS id, held.user_id, v.*
            FROM held, ({placeholders(_TYPES, rows, after=16)})
                 AS v (scope, key, body_hash, client_action_id, action_type, value, metadata, action_timestamp,
                       round_id, is_play, by_user, streak, day_plays, last_play_at, last_action_at)),
        claimed AS (
            INSERT INTO action_keys (id, scope, key, body_hash)
            SELECT id, scope, key, body_hash FROM drawn WHERE key IS NOT NULL ORDER BY scope, key),
        counted AS (
            INSERT INTO intake_counts (minute, received, accepted, duplicate, refused, own)
            SELECT $10, $11::int, $12::int, $13::int, $14::int, $15::int FROM held),
        written AS (
            INSERT INTO user_actions (id, user_id, appended_at, {_COLUMNS})
            SELECT id, user_id, $16, {_COLUMNS} FROM drawn)
        SELECT array_agg(id) FROM drawn"""  # noqa: S608 - made of our own names, before any request
