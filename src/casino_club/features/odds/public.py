"""What slices above may ask of odds. A draw is made in the caller's transaction, after the bet and before settling."""

from casino_club.features.odds.commands.desk import OddsDesk
from casino_club.features.odds.commands.draws import Result, Wanted, conceal, draw
from casino_club.features.odds.commands.reads import odds_for
from casino_club.features.odds.rules import refusals
from casino_club.features.odds.rules.disclosure import Disclosure
from casino_club.features.odds.rules.markets import Game, Market, admitted
from casino_club.features.odds.rules.outcomes import Bet

__all__ = [
    "DRAW_REFUSALS",
    "Bet",
    "Disclosure",
    "Game",
    "Market",
    "OddsDesk",
    "Result",
    "Wanted",
    "admitted",
    "conceal",
    "draw",
    "odds_for",
]

DRAW_REFUSALS = (
    refusals.ProductMissing,
    refusals.ProductPaused,
    refusals.InvalidBet,
    refusals.SeedMissing,
    refusals.ClientSeedMissing,
    refusals.MoveOutdated,
    refusals.FundsRefused,
)
"""What `draw` and `admitted` may raise where nothing holds content."""
