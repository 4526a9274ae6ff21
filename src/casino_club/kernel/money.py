"""Play currencies. Amounts are whole numbers; nothing here can be paid out."""

from enum import StrEnum
from typing import Final

AMOUNT_MAX: Final = 10**15
"""The largest amount that one movement may have: sums of thousands of them still fit a bigint."""


class Currency(StrEnum):
    """What users play and buy with."""

    COIN = "COIN"
    GEM = "GEM"
    CYBER_TOKEN = "CYBER_TOKEN"  # noqa: S105 - a currency, not a secret
