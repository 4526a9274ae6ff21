"""Who may not sign up again once they are erased, and until when: known by keyed hashes of who they were."""

from collections.abc import Collection
from datetime import datetime

from casino_club.infra.db.database import Db


async def bar_sign_up(db: Db, user_id: int, *, until: datetime | None) -> None:
    """If the user is erased, they sign up again only after this; None lets them do so at once."""
    # A row of its own: logins lock the user's others before they lock the user in the log.
    await db.execute("DELETE FROM sign_up_bars WHERE user_id = $1", user_id)
    if until is not None:
        # Whoever is known by number alone never signed up here.
        await db.execute("INSERT INTO sign_up_bars SELECT id, $2 FROM users WHERE id = $1", user_id, until)


async def keep_bar(db: Db, user_id: int) -> None:
    """Remember by what the user would be known again, if they are barred."""
    await db.execute(
        "INSERT INTO barred_identities (digest, until) SELECT digest, until FROM sign_up_bars JOIN ("
        " SELECT user_id, email_hash AS digest FROM credentials WHERE email_hash IS NOT NULL"
        " UNION ALL SELECT user_id, subject_hash FROM identity_links) AS known USING (user_id)"
        " WHERE user_id = $1 ON CONFLICT (digest) DO UPDATE"
        " SET until = greatest(barred_identities.until, excluded.until)",
        user_id,
    )


async def is_barred(db: Db, digests: Collection[bytes], *, now: datetime) -> bool:
    """Whether one of these is of somebody who may not sign up yet."""
    barred: bool = await db.fetchval(
        "SELECT EXISTS (SELECT FROM barred_identities WHERE digest = ANY($1) AND until > $2)", list(digests), now
    )
    return barred


async def forget_bars(db: Db, *, before: datetime, limit: int) -> int:
    """Delete bars that ended before; how many there were."""
    rows = await db.fetch(
        "DELETE FROM barred_identities WHERE digest IN"
        " (SELECT digest FROM barred_identities WHERE until <= $1 LIMIT $2) RETURNING 1",
        *(before, limit),
    )
    return len(rows)
