"""Links with identity providers, and logins that are under way."""

from datetime import datetime

from casino_club.features.identity.rules.people import Link, PendingLogin
from casino_club.features.identity.rules.refusals import IdentityTaken, ProviderHeld
from casino_club.infra.db.database import Db
from casino_club.kernel.subject import UserSubject


async def add_link(db: Db, subject: UserSubject, issuer: str, subject_hash: bytes, *, now: datetime) -> bool:
    """Link the subject with an identity; False if that was so. Raises `IdentityTaken`, `ProviderHeld`."""
    added = await db.execute(
        "INSERT INTO identity_links (issuer, subject_hash, user_id, linked_at) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT DO NOTHING",
        *(issuer, subject_hash, subject.user_id, now),
    )
    if added == "INSERT 0 1":
        return True
    holder = await linked_user(db, issuer, subject_hash)
    if holder is None:
        raise ProviderHeld
    if holder != subject.user_id:
        raise IdentityTaken
    return False


async def linked_user(db: Db, issuer: str, subject_hash: bytes) -> int | None:
    """Whose identity this is."""
    user_id: int | None = await db.fetchval(
        "SELECT user_id FROM identity_links WHERE issuer = $1 AND subject_hash = $2", issuer, subject_hash
    )
    return user_id


async def links_of(db: Db, subject: UserSubject) -> list[Link]:
    """The subject's own links, the first one first."""
    rows = await db.fetch(
        "SELECT issuer, linked_at FROM identity_links WHERE user_id = $1 ORDER BY linked_at, issuer", subject.user_id
    )
    return [Link(**row) for row in rows]


async def remove_link(db: Db, subject: UserSubject, issuer: str) -> None:
    """Take one of the subject's own away."""
    await db.execute("DELETE FROM identity_links WHERE user_id = $1 AND issuer = $2", subject.user_id, issuer)


async def add_pending(db: Db, state_digest: bytes, pending: PendingLogin, *, now: datetime) -> None:
    """Remember a login that begins."""
    await db.execute(
        "INSERT INTO pending_logins (state_digest, provider, browser_digest, return_to, began_at, user_id, session_id)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        *(state_digest, pending.provider, pending.browser_digest, pending.return_to, now),
        *(pending.user_id, pending.session_id),
    )


async def take_pending(db: Db, state_digest: bytes, *, since: datetime) -> PendingLogin | None:
    """A login that began since then; nobody else gets it from now on."""
    row = await db.fetchrow(
        "DELETE FROM pending_logins WHERE state_digest = $1"
        " RETURNING provider, browser_digest, return_to, user_id, session_id, began_at > $2 AS is_in_time",
        *(state_digest, since),
    )
    if row is None or not row["is_in_time"]:
        return None
    return PendingLogin(**{name: value for name, value in row.items() if name != "is_in_time"})


async def add_waiting(db: Db, subject: UserSubject, browser_digest: bytes, *, now: datetime) -> None:
    """The subject has still to show their second factor, in this browser."""
    await db.execute(
        "INSERT INTO waiting_logins (browser_digest, user_id, began_at) VALUES ($1, $2, $3)",
        *(browser_digest, subject.user_id, now),
    )


async def waiting_user(db: Db, browser_digest: bytes, *, since: datetime) -> int | None:
    """Who has still to show a second factor in this browser."""
    user_id: int | None = await db.fetchval(
        "SELECT user_id FROM waiting_logins WHERE browser_digest = $1 AND began_at > $2", browser_digest, since
    )
    return user_id


async def take_waiting(db: Db, browser_digest: bytes) -> bool:
    """They have shown it; False if somebody else was quicker."""
    return bool(await db.execute("DELETE FROM waiting_logins WHERE browser_digest = $1", browser_digest) == "DELETE 1")


async def forget_logins(db: Db, *, before: datetime, limit: int) -> int:
    """Delete some that nobody has finished; how many."""
    gone = 0
    for table, key in (("pending_logins", "state_digest"), ("waiting_logins", "browser_digest")):
        deleted = await db.execute(
            f"DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} WHERE began_at < $1 LIMIT $2"  # noqa: S608 - names above
            " FOR UPDATE SKIP LOCKED)",
            *(before, limit),
        )
        gone += int(deleted.split()[1])
    return gone
