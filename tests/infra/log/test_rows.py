"""Rows come out of their columns as they stand in the table."""

from casino_club.infra.db.database import Database
from casino_club.infra.log.rows import NAMES, SELECTED, LogRow, rows_of
from tests.builders.actions import a_log

ODD = """
    INSERT INTO user_actions (id, user_id, scope, appended_at, action_timestamp, action_type, metadata, value,
        client_action_id, round_id, is_play, by_user, streak, day_plays, last_play_at, last_action_at)
    VALUES
        (9, 7, 1, '2026-11-20 03:00:00.000001Z', '1969-07-20 20:17:40.123456Z', 'SLOT_SPIN',
         '{"note": "한국어 line\\nfeed \\u2028 \\"quoted\\""}', -9223372036854775808,
         '00000000-0000-0000-0000-000000000000', 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6', true, false, 2147483647, 0,
         '1999-12-31 23:59:59.999999Z', '9999-12-31 23:59:59.999999Z'),
        (3, -7, 1, '2026-1-1Z', '2026-1-1Z', 'LEVEL_UP', '{}', NULL, NULL, NULL, false, true, 0, 1, NULL, '2026-1-1Z'),
        (5, 8, 1, '2026-1-1Z', '2026-1-1Z', 'LEVEL_UP', '{}', 0, NULL, NULL, false, true, 0, 1, NULL, '2026-1-1Z')
"""


async def test_rows_are_what_the_client_makes_of_each_value(database: Database) -> None:
    await a_log(database).make_room(10)
    async with database.connection() as db:
        await db.execute(ODD)

        rows = await rows_of(db, f"SELECT {SELECTED} FROM user_actions")

        plainly = SELECTED.replace("xact", "xact::text::bigint")
        records = await db.fetch(f"SELECT {plainly} FROM user_actions ORDER BY id")
    assert [tuple(getattr(row, name) for name in NAMES) for row in rows] == [tuple(record) for record in records]
    assert [row.id for row in rows] == [3, 5, 9]


async def test_no_rows_are_an_empty_list(database: Database) -> None:
    async with database.connection() as db:
        assert await rows_of(db, f"SELECT {SELECTED} FROM user_actions") == []


def test_every_name_is_an_attribute() -> None:
    assert all(hasattr(LogRow, name) for name in NAMES)
    assert len(NAMES) == len(LogRow.__struct_fields__)
