"""What the wheel has shown lately."""

from collections.abc import Callable
from datetime import datetime

from casino_club.features.games.commands.desk import GameDesk
from casino_club.features.games.commands.showing import lately
from casino_club.features.games.rules.refusals import OtherGame
from casino_club.features.games.schemas import FrequenciesOut, FrequenciesQuery, frequencies_out
from casino_club.features.odds.public import DRAW_REFUSALS
from casino_club.infra.db.database import Database
from casino_club.infra.http.routes import Audience, Routes
from casino_club.kernel.subject import UserSubject

Clock = Callable[[], datetime]

routes = Routes(tags=["games"])


@routes.get(
    "/api/games/roulette/history",
    audience=Audience.USER,
    summary="Hot and cold numbers of everybody's last 100 spins: history, not forecast",
    query=FrequenciesQuery,
    answers={200: FrequenciesOut},
    refusals=(OtherGame, *DRAW_REFUSALS[:1]),
)
async def read_roulette_history(
    subject: UserSubject, query: FrequenciesQuery, database: Database, game_desk: GameDesk, clock: Clock
) -> FrequenciesOut:
    async with database.connection() as db:
        found, latest = await lately(db, game_desk, query.product, subject.user_id, now=clock())
    return frequencies_out(query.product, found, latest)
