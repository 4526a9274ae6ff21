"""How much a reward would be for a user just now."""

from datetime import datetime

from casino_club.features.actions import public as actions
from casino_club.features.protection import public as protection
from casino_club.features.protection.public import Occasion
from casino_club.features.rewards.commands.granting import RewardPolicy
from casino_club.features.rewards.rules.amounts import AmountDue, amount_of
from casino_club.features.rewards.store import bonus as store
from casino_club.infra.db.database import Db
from casino_club.kernel.clock import to_us


async def amount_due(db: Db, user_id: int, kind: str, *, now: datetime, policy: RewardPolicy) -> AmountDue:
    """What this kind of event gives the user now. Locks them in the log, then protection.

    Whom protection allows no bonus gets the base: nothing is to draw them on.
    """
    await actions.lock_users(db, [user_id])
    try:
        await protection.admit(db, user_id, Occasion.BONUS, now=now, policy=policy.protection)
    except protection.Vetoed:
        return amount_of(kind, 0, 0, policy.amounts)

    gap_us = policy.wallet.actions.streak_gap_us
    terms, streak = await store.terms_and_streak(db, user_id, at_us=to_us(now), gap_us=gap_us)
    return amount_of(kind, terms.level, streak, policy.amounts)
