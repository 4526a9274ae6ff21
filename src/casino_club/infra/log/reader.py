"""Reads the log so that no row is missed or repeated, and each user's rows come in the order of their ids.

Transactions commit out of order, so neither an id nor a transaction number can be a position. A position is a
snapshot: a pass delivers the rows that are visible in a new snapshot and were not in the last one, ordered by id.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from casino_club.infra.db.database import Db
from casino_club.infra.log.rows import SELECTED, LogRow, rows_of
from casino_club.infra.log.topics import TopicPosition, to_json

NOTHING = "1:1:"
"""The snapshot in which no row is visible: the position of a reader that has everything before it."""

PAGE_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class Position:
    """How far a reader has come.

    `delivered` is the snapshot whose rows are all delivered; `delivering`, while a pass is paged, the one that is
    being delivered, up to `last_id`. At the log's beginning, where the snapshot holds nothing, `last_id` says how far
    files of detached partitions have been read. After a restore from a dump `carry_to` is set until the rows that the
    dump brought undelivered have gone out, up to `last_id`; rows up to `floor_id` count as delivered from then on.
    Meanwhile the snapshots judge rows up to `judged_to`; that of a pass that was under way, those up to `judged_id`.
    A reader that follows a `topic` has all that this says it has had besides; a pass over the table leaves the topic.
    """

    delivered: str = NOTHING
    delivering: str | None = None
    last_id: int = 0
    carry_to: int | None = None
    floor_id: int = 0
    judged_id: int | None = None
    judged_to: int | None = None
    topic: TopicPosition | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, and the position of who has dealt with all of them."""

    rows: Sequence[LogRow]
    after: Position

    def until(self, row: LogRow, before: Position) -> Position:
        """The position of who has dealt with this page's rows up to this one only."""
        if row is self.rows[-1]:
            return self.after
        if before.carry_to is not None:
            return replace(before, last_id=row.id)
        under_way = self.after.delivering or self.after.delivered
        return replace(before, delivering=None if under_way == NOTHING else under_way, last_id=row.id)


async def next_page(db: Db, position: Position, *, rows_max: int = PAGE_ROWS) -> Page:
    """The next rows in order; none if the reader has caught up, with a position that still may have moved."""
    if position.carry_to is not None:
        page = await _carried_page(db, position, position.carry_to, rows_max)
        if page.rows:
            return page
        position = page.after
    if position.delivering is not None:
        return await _page_by_id(db, position, position.delivering, rows_max)

    state = await db.fetchrow(
        """SELECT pg_current_snapshot()::text,
                  (SELECT count(*) FROM (SELECT FROM user_actions
                                         WHERE xact >= pg_snapshot_xmin($1::text::pg_snapshot)
                                           AND xact < pg_snapshot_xmax(pg_current_snapshot()) LIMIT $2) AS found)""",
        position.delivered,
        rows_max + 1,
    )
    assert state is not None
    snapshot, waiting = state
    if waiting == 0 or snapshot == position.delivered:
        return Page((), replace(position, delivered=snapshot, topic=None))
    after_id = max(position.last_id, position.floor_id)
    if waiting > rows_max:
        first_id = await _first_id(db, position, snapshot, after_id)
        if first_id is None:
            return Page((), _pass_done(position, snapshot))
        return await _page_by_id(db, replace(position, last_id=first_id - 1), snapshot, rows_max)
    had, topic = _had_in_topic(position, 4)
    rows = await rows_of(
        db,
        f"""SELECT {SELECTED} FROM user_actions
            WHERE xact >= pg_snapshot_xmin($1::text::pg_snapshot)
              AND xact < pg_snapshot_xmax($2::text::pg_snapshot)
              AND pg_visible_in_snapshot(xact, $2::text::pg_snapshot)
              AND NOT pg_visible_in_snapshot(xact, $1::text::pg_snapshot)
              AND id > $3 {had}
            ORDER BY id""",  # noqa: S608 - constant columns and conditions
        position.delivered,
        snapshot,
        after_id,
        *topic,
    )
    return Page(rows, _pass_done(position, snapshot))


async def put_on_disk(db: Db) -> None:
    """Have whatever any snapshot so far shows survive a crash. None may leave PostgreSQL before.

    A crash forgets transactions that nobody waited for, and their numbers are given away again: a snapshot kept
    elsewhere would show rows that have yet to come.
    """
    await db.execute("SELECT pg_logical_emit_message(false, 'casino_club', '', true)")


async def _first_id(db: Db, position: Position, snapshot: str, after_id: int) -> int | None:
    """Where a large pass begins: from there it is paged along the primary key, without sorting the whole of it.

    OFFSET keeps the rows apart from min(), for which PostgreSQL might else walk all ids from the lowest.
    """
    if position.delivered == NOTHING:
        return after_id + 1
    first_id: int | None = await db.fetchval(
        """SELECT min(id) FROM (
               SELECT id FROM user_actions
               WHERE xact >= pg_snapshot_xmin($1::text::pg_snapshot)
                 AND xact < pg_snapshot_xmax($2::text::pg_snapshot)
                 AND pg_visible_in_snapshot(xact, $2::text::pg_snapshot)
                 AND NOT pg_visible_in_snapshot(xact, $1::text::pg_snapshot)
                 AND id > $3
               OFFSET 0) AS waiting""",
        position.delivered,
        snapshot,
        after_id,
    )
    return first_id


async def _page_by_id(db: Db, position: Position, snapshot: str, rows_max: int) -> Page:
    had, topic = _had_in_topic(position, 5)
    rows = await rows_of(
        db,
        f"""SELECT {SELECTED} FROM user_actions
            WHERE id > $3
              AND pg_visible_in_snapshot(xact, $2::text::pg_snapshot)
              AND NOT pg_visible_in_snapshot(xact, $1::text::pg_snapshot) {had}
            ORDER BY id LIMIT $4""",  # noqa: S608 - constant columns and conditions
        position.delivered,
        snapshot,
        max(position.last_id, position.floor_id),
        rows_max,
        *topic,
    )
    if len(rows) < rows_max:
        return Page(rows, _pass_done(position, snapshot))
    return Page(rows, replace(position, delivering=snapshot, last_id=rows[-1].id))


async def _carried_page(db: Db, position: Position, carry_to: int, rows_max: int) -> Page:
    """Rows of the old cluster that this reader had not had when the dump was taken."""
    had, topic = _had_in_topic(position, 8)
    rows = await rows_of(
        db,
        f"""SELECT {SELECTED} FROM user_actions
            WHERE id > $5 AND id <= $6
              AND (id > $4 OR NOT pg_visible_in_snapshot(xact, $1::text::pg_snapshot)
                              AND NOT coalesce(pg_visible_in_snapshot(xact, $2::text::pg_snapshot) AND id <= $3, false)
                              {had})
            ORDER BY id LIMIT $7""",  # noqa: S608 - constant columns and conditions
        position.delivered,
        position.delivering,
        position.judged_id,
        position.judged_to,
        position.last_id,
        carry_to,
        rows_max,
        *topic,
    )
    if len(rows) == rows_max:
        return Page(rows, replace(position, last_id=rows[-1].id))
    snapshot: str = await db.fetchval("SELECT snapshot FROM log_origin")
    beyond_id = position.last_id if position.last_id > carry_to else 0
    return Page(rows, Position(delivered=snapshot, last_id=beyond_id, floor_id=carry_to))


async def rows_with_ids(db: Db, ids: Sequence[int]) -> list[LogRow]:
    """These rows, by id; those in detached partitions are left out."""
    return await rows_of(db, f"SELECT {SELECTED} FROM user_actions WHERE id = ANY($1)", ids)  # noqa: S608 - constant columns


async def rows_of_user(db: Db, user_id: int, *, after_id: int, limit: int) -> list[LogRow]:
    """A user's rows above an id, by id; those in detached partitions are left out."""
    return await rows_of(
        db,
        f"SELECT {SELECTED} FROM user_actions WHERE user_id = $1 AND id > $2 ORDER BY id LIMIT $3",  # noqa: S608 - constant columns
        *(user_id, after_id, limit),
    )


async def rows_of_runs(db: Db, runs: Sequence[tuple[int, int]]) -> list[LogRow]:
    """The rows from each first id to each last id, by id; those in detached partitions are left out."""
    return await rows_of(
        db,
        f"""SELECT a.* FROM unnest($1::bigint[], $2::bigint[]) AS run (first_id, last_id)
            CROSS JOIN LATERAL (SELECT {SELECTED} FROM user_actions
                                WHERE id BETWEEN run.first_id AND run.last_id) AS a""",  # noqa: S608 - constant columns
        [first for first, _ in runs],
        [last for _, last in runs],
    )


async def last_rows_of(db: Db, users: Sequence[int]) -> dict[int, int]:
    """The id of each user's last row in the log, of those who have any."""
    found = await db.fetch(
        """SELECT v.user_id, (SELECT max(a.id) FROM user_actions AS a WHERE a.user_id = v.user_id)
           FROM unnest($1::bigint[]) AS v (user_id)""",
        users,
    )
    return {row[0]: row[1] for row in found if row[1] is not None}


def _had_in_topic(position: Position, number: int) -> tuple[str, tuple[str, ...]]:
    """A condition and its argument of this number, for a reader that had rows from a topic; nothing for others."""
    if position.topic is None:
        return "", ()
    return f"AND NOT topic_covers(${number}::text::jsonb, user_id, xact, id)", (to_json(position.topic),)


def _pass_done(position: Position, snapshot: str) -> Position:
    return replace(position, delivered=snapshot, delivering=None, last_id=0, topic=None)
