"""The actions that this slice appends."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class PurchaseSettled:
    """A payment has settled, and what it was for was handed over."""

    action_type: ClassVar[str] = "PURCHASE"
    user_id: int
    amount: int
    item_id: str
    purchase_id: str


@dataclass(frozen=True, slots=True)
class PurchaseRefunded:
    """Money of a settled purchase went back; it belongs to the day of that purchase."""

    action_type: ClassVar[str] = "PURCHASE_REFUNDED"
    user_id: int
    amount: int
    purchase_id: str
    purchased_at: str


@dataclass(frozen=True, slots=True)
class ItemBought:
    """A user has bought something with gems."""

    action_type: ClassVar[str] = "BUY_ITEM"
    user_id: int
    item_id: str
    quantity: int
