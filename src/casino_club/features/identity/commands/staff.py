"""What staff do to users: roles and bans. Every deed is a row of the log that nobody can edit."""

from collections.abc import Collection
from datetime import datetime

from casino_club.features.actions import public as actions
from casino_club.features.identity.commands.desk import Desk
from casino_club.features.identity.events import RolesChanged, UserBanned, UserUnbanned
from casino_club.features.identity.rules.sessions import check_rules_over
from casino_club.features.identity.store import factors, sessions, users
from casino_club.infra.db.database import Db
from casino_club.kernel.subject import Role

OPERATOR = 0
"""Who acts where nobody is logged in: the operator on the command line."""


async def set_roles(
    db: Db, desk: Desk, user_id: int, roles: Collection[Role], *, by_user_id: int, now: datetime
) -> None:
    """These roles and no others. Sessions end, so that their length and their tokens fit the new roles."""
    check_rules_over(by_user_id, user_id)

    await users.set_roles(db, user_id, roles)
    await sessions.end_sessions(db, user_id, because="roles changed", now=now)

    event = RolesChanged(user_id, " ".join(sorted(roles)), by_user_id)
    await actions.append(db, event, at=now, policy=desk.actions)


async def remove_factor(db: Db, user_id: int, *, now: datetime) -> bool:
    """Take away the second factor of somebody who lost it; False if they had none. For the operator alone."""
    await sessions.end_sessions(db, user_id, because="second factor removed", now=now)
    return await factors.remove_factor(db, user_id)


async def ban(db: Db, desk: Desk, user_id: int, *, by_user_id: int, now: datetime) -> None:
    """Keep a user out: every session ends, and none begins."""
    check_rules_over(by_user_id, user_id)

    await users.set_banned(db, user_id, now)
    await sessions.end_sessions(db, user_id, because="banned", now=now)

    await actions.append(db, UserBanned(user_id, by_user_id), at=now, policy=desk.actions)


async def unban(db: Db, desk: Desk, user_id: int, *, by_user_id: int, now: datetime) -> None:
    """Let a user in again."""
    check_rules_over(by_user_id, user_id)

    await users.set_banned(db, user_id, None)

    await actions.append(db, UserUnbanned(user_id, by_user_id), at=now, policy=desk.actions)
