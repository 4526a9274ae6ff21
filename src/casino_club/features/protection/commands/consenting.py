"""Giving and withdrawing consent: the same way, and every word is kept."""

from datetime import datetime

from casino_club.features.actions import public as actions
from casino_club.features.protection.commands.admitting import ProtectionPolicy
from casino_club.features.protection.events import ConsentGiven, ConsentWithdrawn
from casino_club.features.protection.rules.consents import Purpose, check_text
from casino_club.features.protection.store import consents
from casino_club.features.protection.store.consents import Consent
from casino_club.infra.db.database import Db


async def say(
    db: Db,
    user_id: int,
    purpose: Purpose,
    *,
    is_given: bool,
    text_version: int,
    now: datetime,
    policy: ProtectionPolicy,
) -> Consent:
    """Keep what the user says to a purpose. Saying the same again changes nothing; a no is taken to any text."""
    if is_given:
        check_text(purpose, text_version)
    await actions.lock_users(db, [user_id])
    last = (await consents.current(db, user_id)).get(purpose)

    if last is not None and (last.is_given, last.text_version) == (is_given, text_version):
        return last

    said = await consents.add(db, user_id, purpose, is_given=is_given, text_version=text_version, at=now)

    given = ConsentGiven(user_id, purpose, text_version)
    await actions.append(db, given if is_given else ConsentWithdrawn(user_id, purpose), at=now, policy=policy.actions)
    return said
