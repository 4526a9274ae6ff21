"""What slices above may ask of odds. A draw is made in the caller's transaction, after the bet and before settling."""

from casino_club.features.odds.commands.desk import OddsDesk
from casino_club.features.odds.commands.draws import OddsNow, Result, Wanted, draw, open_draws
from casino_club.features.odds.commands.reads import odds_for, products_of
from casino_club.features.odds.rules import refusals
from casino_club.features.odds.rules.markets import Game, Market
from casino_club.features.odds.rules.outcomes import Bet

__all__ = [
    "DRAW_REFUSALS",
    "Bet",
    "Game",
    "Market",
    "OddsDesk",
    "OddsNow",
    "Result",
    "Wanted",
    "draw",
    "odds_for",
    "open_draws",
    "products_of",
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
"""What `draw` and `Market.admitted` may raise where nothing holds content."""
