"""Which ways money may take at all. A market closes further ones; it never opens any."""

from collections.abc import Set as AbstractSet
from typing import Final

from casino_club.features.wallet.rules.accounts import House, Pocket

Place = Pocket | House
Edge = tuple[Place, Place]

_SPENDABLE: Final = frozenset(Pocket) - {Pocket.PENDING_GEMS}
_STAKES: Final = (Pocket.COINS, Pocket.PARTNER_TOKENS, Pocket.APP_TOKENS, Pocket.CASH_TOKENS)

EDGES: Final[frozenset[Edge]] = frozenset(
    {
        *(
            (House.GRANTS, pocket)
            for pocket in (Pocket.COINS, Pocket.FREE_GEMS, Pocket.APP_TOKENS, Pocket.PENDING_GEMS)
        ),
        (Pocket.PENDING_GEMS, Pocket.FREE_GEMS),
        (Pocket.PENDING_GEMS, House.GRANTS),
        (House.PARTNER, Pocket.PARTNER_TOKENS),
        *((House.PAYMENTS, pocket) for pocket in (Pocket.PAID_GEMS, Pocket.CASH_TOKENS)),
        *((pocket, House.PAYMENTS) for pocket in (Pocket.PAID_GEMS, Pocket.CASH_TOKENS)),
        *((pocket, House.GAMES) for pocket in _STAKES),
        *((pocket, House.DUELS) for pocket in _STAKES),
        *((house, pocket) for house in (House.GAMES, House.DUELS) for pocket in (Pocket.COINS, Pocket.APP_TOKENS)),
        *((pocket, House.GOODS) for pocket in _SPENDABLE),
        *((pocket, House.PULLS) for pocket in (Pocket.PAID_GEMS, Pocket.FREE_GEMS)),
        *((House.CORRECTIONS, pocket) for pocket in Pocket),
        *((pocket, House.CORRECTIONS) for pocket in Pocket),
    }
)
"""From where, to where. Gems have no way into a game of stakes, whatever the market.

Pulls whose prizes can be staked are apart from other goods, so that a market may close them to gems that were paid for.

A correction mirrors what it corrects, so its ways are those backwards.
"""


def may_go(source: Place, target: Place, *, closed: AbstractSet[Edge] = frozenset()) -> bool:
    """Whether money may go this way in a market that has closed these."""
    return (source, target) in EDGES and (source, target) not in closed
