"""Cyber tokens that services bring in and take out for users. The event that they name is origin and key at once."""

from datetime import datetime

from casino_club.features.actions import public as actions
from casino_club.features.wallet.commands.posting import Posted, WalletPolicy, post
from casino_club.features.wallet.rules.accounts import House, Pocket
from casino_club.features.wallet.rules.orders import Give, Move, Order, Take
from casino_club.features.wallet.store.posting import Key
from casino_club.infra.db.database import Db
from casino_club.kernel.ids import derived_uuid
from casino_club.kernel.money import Currency
from casino_club.kernel.subject import ServiceSubject


async def earn(
    db: Db, user_id: int, amount: int, *, event_id: str, by: ServiceSubject, now: datetime, policy: WalletPolicy
) -> Posted:
    """The partner gave the user tokens. Once for each of the service's events."""
    origin = f"event:{by.namespace}:{event_id}"
    move = Give(Pocket.PARTNER_TOKENS, amount, House.PARTNER, origin)
    return await _moved(db, "partner_earn", user_id, move, event_id=event_id, by=by, now=now, policy=policy)


async def spend(
    db: Db, user_id: int, amount: int, *, event_id: str, by: ServiceSubject, now: datetime, policy: WalletPolicy
) -> Posted:
    """The user spent tokens with the service, the oldest first. Once for each of its events."""
    move = Take(Currency.CYBER_TOKEN, amount, House.GOODS)
    return await _moved(db, "partner_spend", user_id, move, event_id=event_id, by=by, now=now, policy=policy)


async def _moved(
    db: Db,
    kind: str,
    user_id: int,
    move: Move,
    *,
    event_id: str,
    by: ServiceSubject,
    now: datetime,
    policy: WalletPolicy,
) -> Posted:
    await actions.lock_users(db, [user_id])
    key = Key(f"service:{by.namespace}", derived_uuid("event", event_id))
    return await post(db, Order(kind, user_id, (move,)), key=key, now=now, policy=policy)
