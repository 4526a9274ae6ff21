"""What this slice does because time passes, and when somebody goes or wants to have what is theirs."""

from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import timedelta

from casino_club.features.actions.public import ActionPolicy
from casino_club.features.games.commands.desk import GameDesk, Till
from casino_club.features.games.commands.ending import forfeit
from casino_club.features.games.commands.lapsing import lapse_all
from casino_club.features.games.rules.duels import Duel
from casino_club.features.games.store import checking, duels, rounds
from casino_club.features.protection.public import ProtectionPolicy
from casino_club.features.wallet.public import WalletPolicy
from casino_club.infra.db.database import Db
from casino_club.infra.inspections import Looked, inspection
from casino_club.infra.jobs.job import Work, job
from casino_club.infra.privacy.doors import Erased, Reach, Record, erase, export, kept

HANDED_AT_ONCE = 500


@job("end_late_duels", every=timedelta(seconds=15), about="Ends duels whose users had time enough.")
async def end_late_duels(work: Work) -> None:
    await lapse_all(work.database, work.given[GameDesk], now=work.now)


@inspection("rounds", invariants={checking.ROUND: "Each round has one draw and one settlement, of its own amounts."})
async def inspect_rounds(db: Db, after_id: int, limit: int) -> Looked:
    return await checking.rounds(db, after_id, limit)


@inspection("draws", invariants={checking.DRAW: "Each draw of a game of stakes is that of a round."})
async def inspect_draws(db: Db, after_id: int, limit: int) -> Looked:
    return await checking.draws(db, after_id, limit)


@inspection("settlements", invariants={checking.SETTLEMENT: "What was settled of a round or a duel belongs to it."})
async def inspect_settlements(db: Db, after_id: int, limit: int) -> Looked:
    return await checking.settlements(db, after_id, limit)


@inspection("duels", invariants={checking.DUEL: "Stakes of a duel were taken once, and paid out as it ended."})
async def inspect_duels(db: Db, after_id: int, limit: int) -> Looked:
    return await checking.duels(db, after_id, limit)


ROUNDS = kept(
    "rounds",
    about="Rounds: they know users by number, and tie each draw to the transaction of the ledger that settled it.",
)


DUELS = kept(
    "duels",
    about="Duels: they know users by number, and are another user's as well, who can prove by them what was played.",
)


@erase("games", about="When the user could play again, and when they took free coins. A duel of theirs is forfeited.")
async def erase_games(reach: Reach, erased: Erased) -> None:
    async def leave(db: Db) -> None:
        if await duels.live_duel_of(db, erased.user_id) is not None:
            policy = reach.stores.policies[ActionPolicy]
            till = Till(WalletPolicy(policy), ProtectionPolicy(policy))
            await forfeit(db, till, erased.user_id, now=erased.at)
        await rounds.forget_user(db, erased.user_id)

    await reach.stores.database.run(leave)


@export(
    "rounds",
    about="Your rounds, newest first: what was staked, what came, and what you won.",
    about_ko="게임 기록, 최신순: 건 금액, 나온 결과, 딴 금액.",
)
async def export_rounds(reach: Reach, user_id: int) -> AsyncIterator[Record]:
    before_id: int | None = None
    while True:
        async with reach.stores.database.connection() as db:
            page = await rounds.rounds_of(db, user_id, game=None, before_id=before_id, limit=HANDED_AT_ONCE)
        for each in page:
            yield {**asdict(each), "round_id": str(each.round_id)}
        if len(page) < HANDED_AT_ONCE:
            return
        before_id = page[-1].id


@export(
    "duels",
    about="Your duels, newest first: against whom by number, what was staked, both moves, and what came back.",
    about_ko="대결 기록, 최신순: 상대의 번호, 건 금액, 양쪽의 수, 돌려받은 금액.",
)
async def export_duels(reach: Reach, user_id: int) -> AsyncIterator[Record]:
    before: int | None = None
    while True:
        async with reach.stores.database.connection() as db:
            page = await duels.duels_of(db, user_id, before=before, limit=HANDED_AT_ONCE)
        for each in page:
            yield _shown(each, user_id)
        if len(page) < HANDED_AT_ONCE:
            return
        before = page[-1].number


def _shown(duel: Duel, user_id: int) -> Record:
    you, opponent = duel.seat_of(user_id), duel.opponent_of(user_id)
    of_both = {"duel_id": str(duel.duel_id), "state": duel.state, "currency": duel.currency, "stake": duel.stake}
    return {
        **of_both,
        "opened_at": duel.opened_at,
        "over_at": duel.over_at,
        "returned": you and you.returned,
        "move": you and you.move,
        "opponent": opponent and opponent.user_id,
        "opponents_move": opponent.move if opponent and not duel.state.is_live else None,
    }
