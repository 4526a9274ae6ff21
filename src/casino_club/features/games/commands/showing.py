"""What users are shown of rounds that were played."""

from datetime import datetime

from casino_club.features.games.commands.desk import GameDesk
from casino_club.features.games.rules.frequencies import SPINS, Frequency, frequencies
from casino_club.features.games.rules.refusals import OtherGame
from casino_club.features.games.store import rounds
from casino_club.features.odds.public import Game, odds_for
from casino_club.infra.db.database import Db


async def lately(
    db: Db, desk: GameDesk, product: str, user_id: int, *, now: datetime
) -> tuple[list[Frequency], list[str]]:
    """How often each number of the wheel came, and the last ones. Raises `OtherGame` and what odds refuse."""
    if not product.startswith(f"{Game.ROULETTE}-"):
        raise OtherGame(Game.ROULETTE)
    disclosed = await odds_for(db, desk.odds, product, user_id, now=now)
    came = await rounds.came_lately(db, product, limit=SPINS)
    return frequencies([thing.id for thing in disclosed.things], came), came
