"""What staff do to users: roles and bans. Every deed is noted in the audit; the log tells other slices."""

from collections.abc import Collection
from datetime import datetime

from casino_club.features.actions import public as actions
from casino_club.features.identity.commands.desk import Desk
from casino_club.features.identity.events import RolesChanged, UserBanned, UserUnbanned
from casino_club.features.identity.rules.sessions import check_rules_over
from casino_club.features.identity.store import factors, sessions, users
from casino_club.infra.audit import deeds
from casino_club.infra.db.database import Db
from casino_club.kernel.subject import Actor, Role, UserSubject


async def set_roles(db: Db, desk: Desk, user_id: int, roles: Collection[Role], *, by: Actor, now: datetime) -> None:
    """These roles and no others. Sessions end, so that their length and their tokens fit the new roles."""
    check_rules_over(by, user_id)

    await users.set_roles(db, user_id, roles)
    await sessions.end_sessions(db, user_id, because="roles changed", now=now)

    event = RolesChanged(user_id, " ".join(sorted(roles)), _user_id(by))
    await actions.append(db, event, at=now, policy=desk.actions)
    await deeds.note(db, by, "write_roles", f"user:{user_id}", {"roles": sorted(roles)}, now=now)


async def reset_factor(db: Db, user_id: int, *, by: Actor, now: datetime) -> bool:
    """Take away the second factor of somebody who lost it; False if they had none. For the operator alone."""
    await sessions.end_sessions(db, user_id, because="second factor removed", now=now)
    had_one = await factors.remove_factor(db, user_id)

    await deeds.note(db, by, "reset_factor", f"user:{user_id}", {"had_one": had_one}, now=now)
    return had_one


async def ban(db: Db, desk: Desk, user_id: int, *, by: Actor, now: datetime) -> None:
    """Keep a user out: every session ends, and none begins."""
    check_rules_over(by, user_id)

    await users.set_banned(db, user_id, now)
    await sessions.end_sessions(db, user_id, because="banned", now=now)

    await actions.append(db, UserBanned(user_id, _user_id(by)), at=now, policy=desk.actions)
    await deeds.note(db, by, "ban_user", f"user:{user_id}", now=now)


async def unban(db: Db, desk: Desk, user_id: int, *, by: Actor, now: datetime) -> None:
    """Let a user in again."""
    check_rules_over(by, user_id)

    await users.set_banned(db, user_id, None)

    await actions.append(db, UserUnbanned(user_id, _user_id(by)), at=now, policy=desk.actions)
    await deeds.note(db, by, "unban_user", f"user:{user_id}", now=now)


def _user_id(by: Actor) -> int:
    """Who did it, in a row of the log; 0 for whoever is no user."""
    return by.user_id if isinstance(by, UserSubject) else 0
