"""Appending to the log: users' standing, keys, rows."""

from collections.abc import AsyncIterator, Sequence
from functools import lru_cache
from struct import Struct
from typing import NamedTuple
from uuid import UUID

import msgspec

from casino_club.features.actions.rules.admission import ReadyRow
from casino_club.features.actions.rules.standing import Standing
from casino_club.features.actions.store import counting
from casino_club.features.actions.store.counting import IntakeCounts
from casino_club.infra.db.database import Db

LOCKS_IN_ORDER = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL enable_seqscan = off"
"""Keeps the update of `action_user` a walk through the sorted users, so that every append locks in ascending order."""

_POSTGRES_EPOCH_US = 946_684_800_000_000
_COPY_HEAD = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_COPY_TAIL = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_SIXTEEN = b"\x00\x00\x00\x10"
_BOOLEAN = {False: b"\x00\x00\x00\x01\x00", True: b"\x00\x00\x00\x01\x01"}
_FLAGS = {(first, second): _BOOLEAN[first] + _BOOLEAN[second] for first in _BOOLEAN for second in _BOOLEAN}
_int = Struct(">i").pack
_bigint_field = Struct(">iq").pack
_key_row = Struct(">hiqii").pack
_row_head = Struct(">hiqii").pack
_json_head = Struct(">ib").pack
_row_tail = Struct(">iqiiiiiqiq").pack
_row_tail_unplayed = Struct(">iqiiiiiiq").pack

KEYS_PER_WRITE = 500
CLAIMED_BY_INSERT_MAX = 200
"""One statement is quicker for a few rows, COPY for many."""
_KEY_COLUMNS = ("id", "scope", "key", "body_hash")
_ROW_COLUMNS = (
    "user_id",
    "scope",
    "client_action_id",
    "action_type",
    "value",
    "metadata",
    "action_timestamp",
    "round_id",
    "is_play",
    "by_user",
    "appended_at",
    "id",
    "streak",
    "day_plays",
    "last_play_at",
    "last_action_at",
)


class Tally(msgspec.Struct, frozen=True, gc=False):
    """What a batch holds of one user."""

    plays: int
    first_play_us: int
    last_play_us: int
    last_action_us: int


class Taken(NamedTuple):
    """The action that has a key."""

    id: int
    body_hash: bytes


class Locked(msgspec.Struct, frozen=True, gc=False):
    """A user's standing before the batch, and the streak and day's plays that were written by guess."""

    before: Standing
    guessed_streak: int
    guessed_day_plays: int


async def lock_users(
    db: Db, tallies: Sequence[tuple[int, Tally]], *, gap_us: int, day_start_us: int
) -> dict[int, Locked]:
    """Lock the users, given in ascending order, by writing the standing that they most likely have after the batch.

    One pass instead of a lock and an update. Who breaks a streak within the batch, plays late or plays on another day
    is written again by `save_standing`. Users who are missing here have no row yet, or have been erased.
    """
    rows = await db.fetch(
        """UPDATE action_user AS u
           SET streak = CASE WHEN v.plays = 0 THEN u.streak
                             WHEN v.first_us - u.last_play_us BETWEEN 0 AND $6 THEN u.streak + v.plays
                             ELSE v.plays END,
               day_plays = CASE WHEN v.plays = 0 THEN u.day_plays
                                WHEN u.last_play_us >= $7 THEN u.day_plays + v.plays
                                ELSE v.plays END,
               last_play_us = greatest(u.last_play_us, v.last_us),
               last_action_us = greatest(u.last_action_us, v.action_us)
           FROM unnest($1::bigint[], $2::int[], $3::bigint[], $4::bigint[], $5::bigint[])
                AS v (user_id, plays, first_us, last_us, action_us)
           WHERE u.user_id = v.user_id AND u.erased_at IS NULL
           RETURNING u.user_id, old.streak, old.day_plays, old.last_play_us, old.last_action_us,
                     new.streak, new.day_plays""",
        [user for user, _ in tallies],
        [tally.plays for _, tally in tallies],
        [tally.first_play_us for _, tally in tallies],
        [tally.last_play_us for _, tally in tallies],
        [tally.last_action_us for _, tally in tallies],
        gap_us,
        day_start_us,
    )
    return {u: Locked(Standing(s, d, p, a), gs, gd) for u, s, d, p, a, gs, gd in rows}


async def save_standing(db: Db, standings: dict[int, Standing]) -> None:
    """Set the streak and the day's plays of locked users; their times are right already."""
    users = sorted(standings)
    await db.execute(
        """UPDATE action_user AS u SET streak = v.streak, day_plays = v.day_plays
           FROM unnest($1::bigint[], $2::int[], $3::int[]) AS v (user_id, streak, day_plays)
           WHERE u.user_id = v.user_id""",
        users,
        [standings[user].streak for user in users],
        [standings[user].day_plays for user in users],
    )


async def add_users(db: Db, users: Sequence[int]) -> set[int]:
    """Give each user a row to lock; those among them who have been erased, and get none."""
    await db.execute(
        "INSERT INTO action_user (user_id) SELECT unnest($1::bigint[]) ORDER BY 1 ON CONFLICT DO NOTHING", users
    )
    return await erased_among(db, users)


async def erased_among(db: Db, users: Sequence[int]) -> set[int]:
    """Those of these users who have been erased."""
    found = await db.fetch("SELECT user_id FROM action_user WHERE user_id = ANY($1) AND erased_at IS NOT NULL", users)
    return {row[0] for row in found}


async def claim(db: Db, rows: Sequence[ReadyRow], key_order: Sequence[int], counts: IntakeCounts) -> list[int]:
    """Draw the rows' ids, above all that the locked users have in the log, and claim the keys in ascending order.

    Counts are written along, to spare a round trip. Raises UniqueViolationError if a key is taken.
    """
    if len(rows) > CLAIMED_BY_INSERT_MAX:
        await counting.count(db, counts)
        ids = await draw_ids(db, len(rows))
        if key_order:
            await _copy(db, "action_keys", _KEY_COLUMNS, _encoded_keys(rows, ids, key_order))
        return ids
    claimed: list[int] = await db.fetchval(
        """WITH drawn AS MATERIALIZED (
               SELECT nextval('action_ids') AS id, v.* FROM unnest($1::int[], $2::uuid[], $3::bytea[])
                      AS v (scope, key, body_hash)),
           claimed AS (
               INSERT INTO action_keys (id, scope, key, body_hash)
               SELECT * FROM drawn WHERE key IS NOT NULL ORDER BY scope, key),
           counted AS (
               INSERT INTO intake_counts (minute, received, accepted, duplicate, refused, own)
               VALUES ($4, $5, $6, $7, $8, $9))
           SELECT array_agg(id) FROM drawn""",
        [row.scope for row in rows],
        [None if row.key is None else UUID(bytes=row.key) for row in rows],
        [row.body_hash for row in rows],
        *counts.columns,
    )
    return claimed


async def draw_ids(db: Db, count: int) -> list[int]:
    """So many ids, ascending."""
    ids: list[int] = await db.fetchval("SELECT array_agg(nextval('action_ids')) FROM generate_series(1, $1)", count)
    return ids


async def copy_rows(db: Db, encoded: AsyncIterator[bytes]) -> None:
    """Append the rows to the log."""
    await _copy(db, "user_actions", _ROW_COLUMNS, encoded)


async def _copy(db: Db, table: str, columns: Sequence[str], encoded: AsyncIterator[bytes]) -> None:
    async def source() -> AsyncIterator[bytes]:
        yield _COPY_HEAD
        async for part in encoded:
            yield part
        yield _COPY_TAIL

    await db.copy_to_table(table, source=source(), columns=columns, format="binary")


async def _encoded_keys(rows: Sequence[ReadyRow], ids: Sequence[int], order: Sequence[int]) -> AsyncIterator[bytes]:
    """Keys in PostgreSQL's binary form, in the order given: ascending, as every transaction takes them."""
    for start in range(0, len(order), KEYS_PER_WRITE):
        parts: list[bytes] = []
        for place in order[start : start + KEYS_PER_WRITE]:
            row = rows[place]
            assert row.key is not None
            parts += (_key_row(4, 8, ids[place], 4, row.scope), _SIXTEEN, row.key, _SIXTEEN, row.body_hash)
        yield b"".join(parts)


def encoded_head(row: ReadyRow, appended: bytes) -> bytes:
    """The columns of a row that are known before its user is locked."""
    metadata, value = row.metadata, row.value
    client_id, round_id = row.client_action_id, row.round_id
    return b"".join(
        (
            _row_head(16, 8, row.user_id, 4, row.scope),
            _NULL if client_id is None else _SIXTEEN + client_id,
            _text_field(row.action_type),
            _NULL if value is None else _bigint_field(8, value),
            _json_head(len(metadata) + 1, 1),
            metadata,
            _bigint_field(8, row.at_us - _POSTGRES_EPOCH_US),
            _NULL if round_id is None else _SIXTEEN + round_id,
            _FLAGS[row.is_play, row.by_user],
            appended,
        )
    )


@lru_cache(maxsize=1_024)
def _text_field(text: str) -> bytes:
    encoded = text.encode()
    return _int(len(encoded)) + encoded


def encoded_tail(action_id: int, standing: Standing) -> bytes:
    """The columns that follow from the lock: the id and the user's standing."""
    streak, day_plays, play_us = standing.streak, standing.day_plays, standing.last_play_us
    action_us = standing.last_action_us - _POSTGRES_EPOCH_US
    if play_us:
        return _row_tail(8, action_id, 4, streak, 4, day_plays, 8, play_us - _POSTGRES_EPOCH_US, 8, action_us)
    return _row_tail_unplayed(8, action_id, 4, streak, 4, day_plays, -1, 8, action_us)


def instant_field(at_us: int) -> bytes:
    """A timestamptz field."""
    return _bigint_field(8, at_us - _POSTGRES_EPOCH_US)


async def find_keys(db: Db, rows: Sequence[ReadyRow]) -> dict[tuple[int, bytes], Taken]:
    """Of the rows' keys, those that are taken."""
    keyed = [row for row in rows if row.key is not None]
    found = await db.fetch(
        """SELECT k.scope, k.key, k.id, k.body_hash
           FROM unnest($1::int[], $2::uuid[]) AS v (scope, key) JOIN action_keys AS k USING (scope, key)""",
        [row.scope for row in keyed],
        [UUID(bytes=row.key) for row in keyed],
    )
    return {(row[0], row[1].bytes): Taken(row[2], row[3]) for row in found}
