"""What a generation of tables holds, as one number a table, whatever the order of rows or the state of files."""

from importlib.resources import files
from typing import NamedTuple

import msgspec

from casino_club.infra.ports import ReadLimits, WarehouseStore

LIMITS = ReadLimits(seconds_max=1_800, memory_mb_max=1_024)
FIRST_USER, LAST_USER = -(1 << 63), (1 << 63) - 1


class Hash(NamedTuple):
    """One table."""

    table: str
    rows: int
    hash: str


async def hashes(store: WarehouseStore, package: str, database: str, *, user_id: int | None = None) -> list[Hash]:
    """Of the tables that this slice makes, or of what they hold of one user."""
    found = await store.read(
        (files(package) / "sql" / "hashes.sql").read_text(),
        {
            "first_user_id": FIRST_USER if user_id is None else user_id,
            "last_user_id": LAST_USER if user_id is None else user_id,
        },
        database=database,
        result_format="JSONCompactEachRow",
        limits=LIMITS,
    )
    return msgspec.json.Decoder(Hash).decode_lines(found)
