"""Claiming gems that were granted."""

from datetime import datetime
from uuid import UUID

from casino_club.features.actions import public as actions
from casino_club.features.wallet.commands.posting import Posted, WalletPolicy, post
from casino_club.features.wallet.rules.orders import Claim, Order
from casino_club.features.wallet.store.posting import Key
from casino_club.infra.db.database import Db


async def claim(db: Db, user_id: int, gems: int, *, key: UUID, now: datetime, policy: WalletPolicy) -> Posted:
    """Make so many of the user's pending gems free gems, once for this key of theirs."""
    await actions.lock_users(db, [user_id])

    order = Order("claim", user_id, (Claim(gems, f"claim:{key}"),))
    return await post(db, order, key=Key(f"user:{user_id}", key), now=now, policy=policy)
