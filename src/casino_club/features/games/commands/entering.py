"""What stands between a user and a stake, whatever the game: money that may enter it, and an age."""

from typing import Final

from casino_club.features.games.commands.desk import GameDesk
from casino_club.features.odds.public import Game
from casino_club.features.wallet.public import Pocket
from casino_club.infra.db.database import Db
from casino_club.kernel.money import Currency

PAID_TO: Final = {Currency.COIN: Pocket.COINS, Currency.CYBER_TOKEN: Pocket.APP_TOKENS}
"""Where winnings go."""


def pockets_for(desk: GameDesk, game: Game, currency: Currency) -> tuple[Pocket, ...]:
    """Those that may pay for this game in this market. Raises `FundsRefused`."""
    offered = [each.name.lower() for each in Pocket if each.currency is currency]
    return tuple(Pocket[name.upper()] for name in desk.market.admitted(game, offered))


async def check_age(db: Db, desk: GameDesk, user_id: int) -> None:
    """Raises `AgeUnproven`."""
    await desk.ages.check(db, user_id, years_min=desk.market.play_age_years_min)
