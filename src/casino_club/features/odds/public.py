"""What slices above may ask of odds. A draw is made in the caller's transaction, after the bet and before settling."""

from casino_club.features.odds.commands.desk import OddsDesk
from casino_club.features.odds.commands.draws import Result, Wanted, draw
from casino_club.features.odds.commands.reads import odds_for
from casino_club.features.odds.rules.disclosure import Disclosure
from casino_club.features.odds.rules.markets import Funds, Game, Market, check_entry
from casino_club.features.odds.rules.outcomes import Bet
from casino_club.features.odds.rules.seeds import concealed

__all__ = [
    "Bet",
    "Disclosure",
    "Funds",
    "Game",
    "Market",
    "OddsDesk",
    "Result",
    "Wanted",
    "check_entry",
    "concealed",
    "draw",
    "odds_for",
]
