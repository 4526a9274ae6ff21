"""What an action moved, from the metadata that binds: tokens, money, stakes, and where from."""

import msgspec

BINDING = frozenset(
    {
        *("SLOT_SPIN", "RPS_PLAY", "ROULETTE_SPIN", "GACHA_SPIN"),
        *("PURCHASE", "SPEND_CYBER_TOKENS", "EARN_CYBER_TOKENS", "CONTENT_UNLOCK", "SITE_VISIT"),
    }
)
"""The types whose metadata means what the fields below say. Operators' own types may use the same words otherwise."""


class Amounts(msgspec.Struct, frozen=True, gc=False):
    """What is missing is nothing."""

    spent_tokens: int = 0
    earned_tokens: int = 0
    amount: int = 0
    currency: str = ""
    staked: int = 0
    won: int = 0
    source: str = ""


NOTHING = Amounts()
_decode = msgspec.json.Decoder(Amounts).decode


def amounts_of(action_type: str, metadata: str) -> Amounts:
    """Raises ValueError if a field is not what the tracking plan says."""
    return _decode(metadata) if action_type in BINDING else NOTHING
