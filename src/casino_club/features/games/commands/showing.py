"""What users are shown of rounds that were played, and of one to come."""

from datetime import datetime

from casino_club.features.games.commands.desk import GameDesk
from casino_club.features.games.rules.frequencies import SPINS, Frequency, frequencies
from casino_club.features.games.rules.products import check_product
from casino_club.features.games.store import rounds
from casino_club.features.odds.public import Game, odds_for, open_draws
from casino_club.infra.db.database import Db


async def lately(
    db: Db, desk: GameDesk, product: str, user_id: int, *, now: datetime
) -> tuple[list[Frequency], list[str]]:
    """How often each number of the wheel came, and the last ones. Raises `OtherGame` and what odds refuse."""
    check_product(Game.ROULETTE, product)
    found = await odds_for(db, desk.odds, product, user_id, now=now)
    came = await rounds.came_lately(db, product, limit=SPINS)
    return frequencies([thing.id for thing in found.odds.things], came), came


async def hidden_move(db: Db, desk: GameDesk, product: str, user_id: int, *, now: datetime) -> str:
    """What is published of the house's move. Raises `OtherGame` and what odds refuse."""
    check_product(Game.RPS, product)
    opening = await open_draws(db, desk.odds, user_id, [product], now=now, is_locked=False)
    return opening.concealed(product)
