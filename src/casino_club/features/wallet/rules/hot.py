"""What rows of the log say that a user holds. It is set and never added up, so a row may be seen twice."""

from typing import Final

import msgspec

HOT_NAMES: Final = ("cyber_token_balance", "pending_gems")
HELD_AFTER: Final = {
    "EARN_CYBER_TOKENS": ("token_balance", "cyber_token_balance"),
    "SPEND_CYBER_TOKENS": ("token_balance", "cyber_token_balance"),
    "CYBER_TOKENS_GRANTED": ("token_balance", "cyber_token_balance"),
    "CYBER_TOKENS_CORRECTED": ("token_balance", "cyber_token_balance"),
    "GEMS_GRANTED": ("pending_gems", "pending_gems"),
    "GEMS_CLAIMED": ("pending_gems", "pending_gems"),
}
"""By type: the field in which the wallet says what is held after it, and the hot store's name for that."""


def held_after(action_type: str, metadata: str) -> dict[str, int]:
    """What the user holds after this row. Nothing, if it tells of another wallet."""
    field, name = HELD_AFTER[action_type]
    amount = msgspec.json.decode(metadata).get(field)
    return {} if amount is None else {name: amount}
