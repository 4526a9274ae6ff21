"""Second factors and recovery codes."""

from collections.abc import Collection
from datetime import datetime

from casino_club.infra.db.database import Db
from casino_club.kernel.subject import UserSubject


async def begin_factor(db: Db, subject: UserSubject) -> bool:
    """A second factor that the subject has yet to confirm; False if they have a confirmed one."""
    begun = await db.execute(
        "INSERT INTO second_factors AS f (user_id) VALUES ($1)"
        " ON CONFLICT (user_id) DO UPDATE SET last_step = 0 WHERE f.confirmed_at IS NULL",
        subject.user_id,
    )
    return bool(begun == "INSERT 0 1")


async def confirm_factor(db: Db, subject: UserSubject, *, step: int, now: datetime) -> bool:
    """The subject's factor counts from now on; False if there is none to confirm."""
    confirmed = await db.execute(
        "UPDATE second_factors SET confirmed_at = $2, last_step = $3 WHERE user_id = $1 AND confirmed_at IS NULL",
        *(subject.user_id, now, step),
    )
    return bool(confirmed == "UPDATE 1")


async def last_step_of(db: Db, subject: UserSubject, *, is_confirmed: bool) -> int | None:
    """The step of the last code that was used; None without such a factor."""
    step: int | None = await db.fetchval(
        "SELECT last_step FROM second_factors WHERE user_id = $1 AND (confirmed_at IS NOT NULL) = $2",
        *(subject.user_id, is_confirmed),
    )
    return step


async def use_step(db: Db, subject: UserSubject, step: int) -> bool:
    """Note that the code of this step was used; False if it or a later one was used before."""
    used = await db.execute(
        "UPDATE second_factors SET last_step = $2 WHERE user_id = $1 AND last_step < $2", subject.user_id, step
    )
    return bool(used == "UPDATE 1")


async def remove_factor(db: Db, user_id: int) -> bool:
    """Take the factor, its secret and its recovery codes away; False if there was none."""
    await db.execute("DELETE FROM recovery_codes WHERE user_id = $1", user_id)
    await db.execute("DELETE FROM user_data WHERE user_id = $1 AND field = 'totp_secret'", user_id)
    return bool(await db.execute("DELETE FROM second_factors WHERE user_id = $1", user_id) == "DELETE 1")


async def save_recovery_codes(db: Db, subject: UserSubject, digests: Collection[bytes]) -> None:
    """Keep these."""
    await db.executemany(
        "INSERT INTO recovery_codes (user_id, digest) VALUES ($1, $2)",
        [(subject.user_id, digest) for digest in digests],
    )


async def use_recovery_code(db: Db, subject: UserSubject, digest: bytes) -> bool:
    """Take one of the subject's codes; False if they have no such code, or no more."""
    used = await db.execute("DELETE FROM recovery_codes WHERE user_id = $1 AND digest = $2", subject.user_id, digest)
    return bool(used == "DELETE 1")


async def strengthen_session(db: Db, subject: UserSubject) -> None:
    """The subject has shown a second factor in this session."""
    await db.execute(
        "UPDATE sessions SET has_second_factor = true WHERE id = $1 AND user_id = $2",
        *(subject.session_id, subject.user_id),
    )
