"""The veto: whether something may happen to a user now, decided and counted in the caller's transaction."""

from dataclasses import dataclass
from datetime import datetime

from casino_club.features.actions import public as actions
from casino_club.features.protection.rules.counting import reached
from casino_club.features.protection.rules.occasions import (
    REFUSED_FROM,
    Admission,
    Occasion,
    check_amount,
    counted_of,
    measure_of,
    veto_of,
)
from casino_club.features.protection.rules.periods import Spans, spans_at
from casino_club.features.protection.store import counting, protections
from casino_club.infra.db.database import Db
from casino_club.kernel.clock import from_us, to_us
from casino_club.kernel.money import Currency


@dataclass(frozen=True, slots=True)
class ProtectionPolicy:
    """What decides about protection: the log's own policy, whose calendar sets the day."""

    actions: actions.ActionPolicy


async def admit(
    db: Db,
    user_id: int,
    occasion: Occasion,
    amount: int = 0,
    *,
    currency: Currency | None = None,
    now: datetime,
    policy: ProtectionPolicy,
) -> Admission:
    """Let something happen to the user, and count it; or raise a `Vetoed` that says what stands against it.

    Locks the user here until the transaction ends: behind `actions.lock_users`, before the wallet. The amount is in
    KRW of a purchase, in the currency of a bet. If the transaction is rolled back, nothing was counted.
    """
    check_amount(amount)
    measure, at_us = measure_of(occasion, currency), to_us(now)
    spans = spans_at(policy.actions.calendar, at_us)

    counted = await counting.counted(db, user_id, occasion, measure, amount, at_us=at_us, spans=spans)
    if counted is None:
        await _object(db, Admission(user_id, occasion, amount, currency, now), spans)
        counted = await counting.counted(db, user_id, occasion, measure, amount, at_us=at_us, spans=spans)
        assert counted is not None, "nothing stands against it, and yet it was not counted"

    lets_bonus = counted.status < REFUSED_FROM[Occasion.BONUS]
    return Admission(user_id, occasion, amount, currency, from_us(counted.at_us), lets_bonus)


async def _object(db: Db, asked: Admission, spans: Spans) -> None:
    """Lock the user and raise what stands against it. Nothing does if they were new, or have just been let in."""
    protection = await lock(db, asked.user_id)
    if vetoed := veto_of(protection.standing, asked.occasion):
        raise vetoed
    added = counted_of(asked.occasion, asked.currency, asked.amount)
    status, at_us = protection.standing.status, to_us(asked.at)
    if vetoed := reached(protection.counts, protection.caps, status, added, at_us=at_us, spans=spans):
        raise vetoed


async def lock(db: Db, user_id: int) -> protections.Protection:
    """Lock the user's protection, which is made if there is none. Raises `UserGone` of who has been erased."""
    found = await protections.locked(db, user_id)
    if found is None:
        if await actions.is_erased(db, user_id):
            raise actions.UserGone
        await protections.add_user(db, user_id)
        found = await protections.locked(db, user_id)
        assert found is not None, "a row that is there can't be locked"
    return found


async def settle(db: Db, admission: Admission, returned: int, *, policy: ProtectionPolicy) -> None:
    """Give back what a bet has won, or what of a purchase was refunded: it no longer counts as lost or paid.

    It is taken off the periods in which it was counted, for as long as they last, whatever the user's status is by now.
    """
    check_amount(returned)
    measure = measure_of(admission.occasion, admission.currency)
    if measure is not None and returned:
        spans = spans_at(policy.actions.calendar, to_us(admission.at))
        await counting.give_back(db, admission.user_id, measure, returned, spans=spans)
