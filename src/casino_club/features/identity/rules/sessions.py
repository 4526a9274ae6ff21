"""How long sessions last, and who reaches whom."""

from collections.abc import Collection
from datetime import datetime, timedelta

from casino_club.features.identity.rules.refusals import NotYourself, UserMissing
from casino_club.kernel.subject import Actor, Role, UserSubject

SESSION_MAX = timedelta(days=90)
STAFF_SESSION_MAX = timedelta(hours=12)
UNUSED_MAX = timedelta(days=30)
"""A refresh token that nobody used for so long is worth nothing."""
KEPT_AFTER_END = timedelta(days=30)
"""An ended session stays listed nowhere but stays known, so that a stolen token is still recognised."""
SESSIONS_LISTED_MAX = 200
DEVICE_LENGTH_MAX = 200

FRESH_MAX = timedelta(minutes=15)
"""So long after a login it stands for a password that the user does not have."""

PERSONAL_READERS = frozenset((Role.SUPPORT, Role.ADMIN))


def session_end(roles: Collection[Role], now: datetime) -> datetime:
    """When a session that begins now is over at the latest."""
    return now + (STAFF_SESSION_MAX if roles else SESSION_MAX)


def check_reads(subject: UserSubject, user_id: int) -> None:
    """People read their own data; support and admins read anybody's."""
    if subject.user_id != user_id and PERSONAL_READERS.isdisjoint(subject.roles):
        raise UserMissing


def check_changes(subject: UserSubject, user_id: int) -> None:
    """People change their own data and nobody else's."""
    if subject.user_id != user_id:
        raise UserMissing


def check_rules_over(by: Actor, user_id: int) -> None:
    """Roles and bans are given by somebody else."""
    if isinstance(by, UserSubject) and by.user_id == user_id:
        raise NotYourself
