"""Rock, paper, scissors against the house: it moves first, in hiding; the user moves and stakes; both are shown."""

from collections.abc import Callable
from datetime import datetime

from casino_club.features.games.commands.desk import GameDesk
from casino_club.features.games.commands.playing import Play
from casino_club.features.games.commands.showing import hidden_move
from casino_club.features.games.routes.rounds import PLAY_REFUSALS, played
from casino_club.features.games.rules.refusals import OtherGame
from casino_club.features.games.schemas import HiddenMoveOut, HiddenMoveQuery, RoundOut, RpsIn
from casino_club.features.odds.public import DRAW_REFUSALS, Bet, Game
from casino_club.infra.db.database import Database
from casino_club.infra.http.routes import Audience, Routes
from casino_club.kernel.subject import UserSubject

Clock = Callable[[], datetime]

routes = Routes(tags=["games"])


@routes.get(
    "/api/games/rps/hidden-move",
    audience=Audience.USER,
    summary="The house's move, hidden: the same until you move or draw something else. Nothing is staked by asking",
    query=HiddenMoveQuery,
    answers={200: HiddenMoveOut},
    refusals=(OtherGame, *DRAW_REFUSALS),
)
async def read_hidden_move(
    subject: UserSubject, query: HiddenMoveQuery, database: Database, game_desk: GameDesk, clock: Clock
) -> HiddenMoveOut:
    async with database.connection() as db:
        hidden = await hidden_move(db, game_desk, query.product, subject.user_id, now=clock())
    return HiddenMoveOut(query.product, hidden)


@routes.post(
    "/api/games/rps/play",
    audience=Audience.USER,
    summary="Move against the house's hidden move, once for this round's id; both moves are shown",
    body=RpsIn,
    answers={200: RoundOut},
    refusals=PLAY_REFUSALS,
)
async def play_rps(
    subject: UserSubject, body: RpsIn, database: Database, game_desk: GameDesk, clock: Clock
) -> RoundOut:
    bets = (Bet(body.move.value, body.stake),)
    wanted = Play(subject.user_id, body.round_id, Game.RPS, body.product, body.currency, bets, body.hidden)
    return await played(database, game_desk, wanted, now=clock())
