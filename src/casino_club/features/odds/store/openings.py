"""The statement that draws begin with: what is live of their products, and the seed that they are made from."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Final, NamedTuple

import asyncpg

from casino_club.features.odds.store.seeds import SEED, Seed, seed_of
from casino_club.features.odds.store.versions import LIVE, Live
from casino_club.infra.db.database import Db


class Opened(NamedTuple):
    """What is live, by product, and the user's seed."""

    live: Mapping[str, Live]
    seed: Seed | None


_LIVE_FIELDS: Final = tuple(field.name for field in fields(Live))
_SEED_FIELDS: Final = tuple(field.name for field in fields(Seed))


async def opened(db: Db, user_id: int, products: Sequence[str], *, is_locked: bool, now: datetime) -> Opened:
    """What the user's draws are made from now; locked, nonces come from nowhere else until the transaction ends.

    Looks twice: a seed that was revealed while we waited for it has a follower that only a new look can see.
    """
    lock = " FOR NO KEY UPDATE OF s" if is_locked else ""
    rows = await db.fetch(
        f"""WITH seed AS ({SEED} AND s.user_id = $3{lock}), live AS ({LIVE} AND p.product = ANY($2::text[]))
            SELECT * FROM live LEFT JOIN seed ON true""",  # noqa: S608 - made of our own statements
        *(now, products, user_id),
    )
    live = {row["product"]: Live(*(row[name] for name in _LIVE_FIELDS)) for row in rows}
    if live and rows[0]["commit_id"] is None:
        return Opened(live, await seed_of(db, user_id, is_locked=is_locked))
    return Opened(live, _seed(rows[0]) if rows else None)


def _seed(row: asyncpg.Record) -> Seed:
    return Seed(*(row[name] for name in _SEED_FIELDS))
