"""What readers do about users who have been erased: the log keeps their rows, and nothing more comes of them."""

from collections.abc import Sequence

from casino_club.infra.db.database import Db
from casino_club.infra.log.rows import LogRow
from casino_club.infra.ports import HotWrite

USER_ERASED = "USER_ERASED"
"""The type of a user's last row."""


async def spared(db: Db, rows: Sequence[LogRow]) -> list[LogRow]:
    """The rows that may be acted upon: not those of the erased, but for the one that says so."""
    users = list({row.user_id for row in rows})
    found = await db.fetch("SELECT user_id FROM action_user WHERE user_id = ANY($1) AND erased_at IS NOT NULL", users)
    erased = {each[0] for each in found}
    return [row for row in rows if row.user_id not in erased or row.action_type == USER_ERASED]


def emptied(rows: Sequence[LogRow], names: Sequence[str]) -> list[HotWrite]:
    """For each user who is erased among these rows: none of the values is shown from that row on.

    The guard stays, so that no earlier row brings a value back.
    """
    gone = {row.user_id: row.id for row in rows if row.action_type == USER_ERASED}
    return [HotWrite(user_id, row_id, dict.fromkeys(names)) for user_id, row_id in gone.items()]
