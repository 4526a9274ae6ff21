"""A purchase, and what becomes of it: every state beside everything that a provider may say of its payment."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID


class State(StrEnum):
    """How a purchase stands."""

    ORDERED = "ordered"
    """Kept, counted, and no payment of it has begun."""
    UNKNOWN = "unknown"
    """Whether its payment has begun is to be asked."""
    PENDING = "pending"
    SETTLED = "settled"
    """Paid for, and handed over."""
    FAILED = "failed"
    EXPIRED = "expired"
    REFUNDING = "refunding"
    """All of the money is to go back, and the user has nothing for it any more."""
    REFUNDED = "refunded"


OPEN: Final = frozenset((State.ORDERED, State.UNKNOWN, State.PENDING))
OPEN_MAX: Final = 5
"""So many a user may have open at once: they keep stock from others."""
ENDED: Final = frozenset((State.FAILED, State.EXPIRED))
"""Over without money."""


class Told(StrEnum):
    """What the provider says of a payment."""

    NO_ANSWER = "no_answer"
    NOTHING = "nothing"
    """It knows no such payment."""
    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    """Paid, and all of it sent back."""


class Act(StrEnum):
    """What a step does besides."""

    NOTHING = "nothing"
    GIVE_BACK = "give_back"
    """Limits, stock, and what counts towards the user's own protection."""
    HAND_OVER = "hand_over"
    TAKE_BACK = "take_back"


class Step(NamedTuple):
    """The next state, and what has to happen with it."""

    to: State
    act: Act = Act.NOTHING


STEPS: Final[Mapping[tuple[State, Told], Step]] = {
    (State.ORDERED, Told.NO_ANSWER): Step(State.UNKNOWN),
    (State.UNKNOWN, Told.NOTHING): Step(State.ORDERED),
    **{
        (state, told): step
        for state in OPEN
        for told, step in {
            Told.PENDING: Step(State.PENDING),
            Told.PAID: Step(State.SETTLED, Act.HAND_OVER),
            Told.FAILED: Step(State.FAILED, Act.GIVE_BACK),
            Told.CANCELLED: Step(State.EXPIRED, Act.GIVE_BACK),
            Told.REFUNDED: Step(State.REFUNDED, Act.GIVE_BACK),
        }.items()
    },
    # Money for what is over goes back: its limits and its stock may be others' by now.
    **{(state, Told.PAID): Step(State.REFUNDING) for state in ENDED},
    **{(state, Told.REFUNDED): Step(State.REFUNDED) for state in ENDED},
    (State.SETTLED, Told.REFUNDED): Step(State.REFUNDED, Act.TAKE_BACK),
    (State.REFUNDING, Told.REFUNDED): Step(State.REFUNDED),
}
"""Whatever is not here changes nothing: it is old, or it was known."""


def step_of(state: State, told: Told) -> Step:
    """What follows for a purchase in this state."""
    return STEPS.get((state, told), Step(state))


class Call(StrEnum):
    """What is asked of the provider next."""

    CREATE = "create"
    FIND = "find"
    CANCEL = "cancel"
    REFUND = "refund"


def call_for(state: State, expires_at: datetime, *, now: datetime) -> Call:
    """What is unknown is asked for before it is done again, and nothing expires that was not cancelled."""
    if state is State.REFUNDING:
        return Call.REFUND
    if state in (State.ORDERED, State.PENDING) and now >= expires_at:
        return Call.CANCEL
    return Call.CREATE if state is State.ORDERED else Call.FIND


LOOK_FIRST: Final = timedelta(seconds=20)
LOOK_LAST: Final = timedelta(minutes=30)
LOOKS_AFTER_PAYMENT: Final = tuple(timedelta(days=days) for days in (1, 2, 4, 8, 16, 32))
LOOKS_AFTER_END: Final = (timedelta(hours=1), timedelta(days=1), timedelta(days=7))
"""A webhook may be lost: a chargeback, or money that came too late, is found all the same."""


def look_at(state: State, looks: int, expires_at: datetime, *, now: datetime) -> datetime | None:
    """When to ask the provider again by ourselves, after so many looks in this state; None if no more."""
    if state is State.REFUNDED:
        return None
    if state is State.SETTLED or state in ENDED:
        waits = LOOKS_AFTER_PAYMENT if state is State.SETTLED else LOOKS_AFTER_END
        return now + waits[looks] if looks < len(waits) else None
    wait: datetime = now + min(LOOK_FIRST * (1 << min(looks, 10)), LOOK_LAST)
    return min(wait, expires_at) if now < expires_at and state is not State.REFUNDING else wait


WAITS_ON_PROVIDER: Final = (State.ORDERED, State.UNKNOWN, State.REFUNDING)
"""States in which nobody but the provider can lead on."""
STUCK_AFTER_LOOKS: Final = 5
"""The fifth look comes some ten minutes after the first."""


class Because(StrEnum):
    """Why money goes back."""

    USER = "user"
    STAFF = "staff"
    PROVIDER = "provider"
    LATE = "late"
    """It came when the purchase was over."""
    PROTECTED = "protected"
    """The user may be given nothing any more, or is gone."""


@dataclass(frozen=True, slots=True)
class Purchase:
    """A purchase as it is kept. Amounts are for its whole quantity; one of the two prices is there."""

    id: int
    user_id: int
    purchase_key: UUID
    item_id: str
    quantity: int
    price_in_gems: int | None
    price_krw: int | None
    payment_method: str
    timestamp: datetime
    catalogue: str
    payment_key: UUID
    paid_gems: int
    cash_tokens: int
    state: State
    expires_at: datetime
    admitted_at: datetime
    is_counted: bool = True
    """Whether it counts towards limits, stock and protection."""
    has_goods: bool = False
    """Whether what was handed over has not been taken back."""
    settled_at: datetime | None = None
    refunded_krw: int = 0
    refund_because: Because | None = None
    looks: int = 0
    look_at: datetime | None = None

    @property
    def origin(self) -> str:
        """What its lots in the ledger came of."""
        return f"purchase:{self.id}"
