"""Payments, as we ask them of whoever takes the money: a port, known by keys of ours. Any call may reach it twice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID


class PaymentState(StrEnum):
    """How a payment stands."""

    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class PaymentWanted:
    """What somebody shall pay, by when, and how."""

    key: UUID
    amount_krw: int
    method: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Payment:
    """What the provider says of a payment. Refunds, whoever began them, add up and never go back."""

    key: UUID
    amount_krw: int
    state: PaymentState
    refunded_krw: int = 0


class PaymentProvider(Protocol):
    """Somebody who takes money. A payment is known by our key, and money may come at any time, even after the end."""

    @property
    def methods(self) -> Sequence[str]:
        """The ways to pay; none, if no payments are taken here."""
        ...

    async def create(self, wanted: PaymentWanted) -> Payment:
        """Begin a payment; under a key that it knows, the same payment as before. Raises PaymentsAway: it may have
        begun all the same.
        """
        ...

    async def find(self, key: UUID) -> Payment | None:
        """The payment of this key; None if there is none so far. Raises PaymentsAway."""
        ...

    async def cancel(self, key: UUID) -> Payment:
        """End a payment that has not been paid, also one that may still begin; how it stands then, which may be paid.

        Raises PaymentsAway.
        """
        ...

    async def refund(self, key: UUID, amount_krw: int) -> Payment:
        """Bring what is refunded up to this amount, once; how the payment stands then. Raises PaymentsAway."""
        ...

    def key_in(self, headers: Mapping[bytes, bytes], body: bytes, *, now: datetime) -> UUID:
        """The payment that a webhook speaks of. Nothing else in it counts. Raises WebhookForged."""
        ...


class PaymentsAway(Exception):
    """The provider does not answer just now: whether it did what was asked is unknown."""
