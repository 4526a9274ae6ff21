"""How a change of protection is kept: in the user's history, and in the log for whoever must heed it."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from casino_club.features.actions import public as actions
from casino_club.features.identity import public as identity
from casino_club.features.protection.commands.admitting import ProtectionPolicy
from casino_club.features.protection.events import ProtectionChanged
from casino_club.features.protection.rules.standing import Standing, Status, barred_until
from casino_club.features.protection.store import protections
from casino_club.infra.db.database import Db


class By(StrEnum):
    """Who changed it. Which member of staff it was is in the audit."""

    USER = "user"
    STAFF = "staff"


class Changing(NamedTuple):
    """Who is changed, by whom, and when."""

    user_id: int
    by: By
    now: datetime
    policy: ProtectionPolicy


async def save(db: Db, changing: Changing, change: str, before: Standing, after: Standing) -> Standing:
    """Save another standing of a locked user, keep the change, and tell the log if marketing has to heed it."""
    user_id, by, now, policy = changing
    await protections.save_standing(db, user_id, after)
    await identity.bar_sign_up(db, user_id, until=barred_until(after, now=now))
    subject, until = after.status.word, after.return_at or after.until
    await protections.note_change(db, user_id, change, subject, by=by, at=now, until=until)

    if after.status is not before.status:
        changed = ProtectionChanged(user_id, may_be_approached=after.status < Status.LIMITED)
        await actions.append(db, changed, at=now, policy=policy.actions)
    return after
