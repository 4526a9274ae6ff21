"""What slices above may do with money: carry out orders, take back, undo, and ask what a user holds."""

from casino_club.features.wallet.commands.posting import WalletPolicy, post
from casino_club.features.wallet.commands.taking_back import correct, refund
from casino_club.features.wallet.rules.accounts import House, Pocket
from casino_club.features.wallet.rules.orders import Give, Order, Take
from casino_club.features.wallet.rules.refusals import InsufficientFunds
from casino_club.features.wallet.store.posting import Key
from casino_club.features.wallet.store.reading import held_by

__all__ = [
    "Give",
    "House",
    "InsufficientFunds",
    "Key",
    "Order",
    "Pocket",
    "Take",
    "WalletPolicy",
    "correct",
    "held_by",
    "post",
    "refund",
]
