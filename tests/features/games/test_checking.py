"""That each bet has one draw and one settlement is looked at every night, and each way of breaking it is seen."""

import pytest

from casino_club.entry.wiring import inspections
from casino_club.features.games.rules.duels import Move
from casino_club.features.odds.public import Bet
from tests.builders.actions import NOON
from tests.builders.venues import USER
from tests.features.games.dueling import Table
from tests.features.games.parlour import PLAIN_SLOT, Parlour, a_round_id, seconds

UNGUARDED = [
    f"ALTER TABLE {table} DISABLE TRIGGER ALL"
    for table in ("game_rounds", "game_duels", "game_duel_seats", "ledger_txs", "ledger_entries", "odds_draws")
]
ONE_ROUND = "SELECT min(id) FROM game_rounds"
ITS_TX = f"SELECT tx_id FROM game_rounds WHERE id = ({ONE_ROUND})"


async def found(parlour: Parlour, *, at_once: int = 2) -> dict[str, int]:
    """How often each invariant of games is broken."""
    counts: dict[str, int] = {}
    for each in inspections().every:
        last_id: int | None = 0
        while last_id is not None:
            async with parlour.database.connection() as db:
                looked = await each.look(db, last_id, at_once)
            last_id = looked.last_id
            for finding in looked.found:
                assert finding.invariant in each.invariants
                counts[finding.invariant] = counts.get(finding.invariant, 0) + 1
    return counts


@pytest.fixture
async def played(table: Table) -> Table:
    """Rounds of several games, a free one, and duels that were won, drawn and are under way."""
    parlour = table.parlour
    await parlour.many(3)
    later = NOON + seconds(60)
    await parlour.play(parlour.roulette(Bet("red", 50), Bet("straight-7", 10)), now=later)
    async with parlour.database.transaction() as db:
        await db.execute("INSERT INTO free_spins VALUES ($1, $2, 1)", USER, PLAIN_SLOT)
    await parlour.play(parlour.spin(is_free=True), now=later + seconds(10))
    for number, moves in enumerate(((Move.ROCK, Move.PAPER), (Move.ROCK, Move.ROCK)), 1):
        await Table(parlour, a_round_id()).until("settled", *moves, now=later + seconds(60 * number))
    await Table(parlour, a_round_id()).until("one committed", now=later + seconds(600))
    return table


async def test_what_is_played_breaks_nothing(played: Table) -> None:
    assert await found(played.parlour) == {}


BROKEN = {
    "a return that was never drawn": (
        f"UPDATE game_rounds SET won = won + 1 WHERE id = ({ONE_ROUND})",
        {"round_whole": 1},
    ),
    "a draw of somebody else": (
        f"UPDATE odds_draws SET user_id = 99 WHERE id = (SELECT draw_id FROM game_rounds WHERE id = ({ONE_ROUND}))",
        {"round_whole": 1},
    ),
    "a settlement without its stake": (
        f"DELETE FROM ledger_entries WHERE amount < 0 AND account_id > 0 AND tx_id = ({ITS_TX})",
        {"round_whole": 1},
    ),
    "a settlement under another key": (
        f"UPDATE ledger_txs SET idem_key = uuidv7() WHERE id = ({ITS_TX})",
        {"round_whole": 1},
    ),
    "a round that has vanished": (
        f"DELETE FROM game_rounds WHERE id = ({ONE_ROUND})",
        {"draw_of_round": 1, "settlement_of_round": 1},
    ),
    "a duel that was paid out otherwise": (
        "UPDATE game_duel_seats SET returned = 199 WHERE returned = 200",
        {"duel_whole": 1, "settlement_of_round": 1},
    ),
    "a duel that both have won": ("UPDATE game_duel_seats SET returned = 200 WHERE returned = 0", {"duel_whole": 1}),
    "a stake that was never taken": (
        """DELETE FROM ledger_entries WHERE account_id > 0 AND tx_id = (
               SELECT s.stake_tx_id FROM game_duel_seats AS s JOIN game_duels AS d ON d.number = s.duel_number
               WHERE d.state = 'joined' AND s.stake_tx_id IS NOT NULL)""",
        {"duel_whole": 1},
    ),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_each_way_of_breaking_it_is_found(played: Table, name: str) -> None:
    statement, expected = BROKEN[name]
    async with played.parlour.database.transaction() as db:
        for guard in UNGUARDED:
            await db.execute(guard)
        await db.execute(statement)

    assert await found(played.parlour) == expected
