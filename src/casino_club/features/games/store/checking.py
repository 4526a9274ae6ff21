"""Statements that look for rounds and duels which don't rest on one draw, one stake, one settlement."""

from typing import Final

from casino_club.infra.db.database import Db
from casino_club.infra.inspections import Finding, Looked

ROUND: Final = "round_whole"
DRAW: Final = "draw_of_round"
SETTLEMENT: Final = "settlement_of_round"
DUEL: Final = "duel_whole"

# What a user gained by a transaction.
_GAINED: Final = "coalesce((SELECT sum(amount) FROM ledger_entries WHERE tx_id = {} AND account_id > 0), 0)"

_ROUNDS: Final = f"""
    SELECT r.id, d.id IS NOT NULL AND t.id IS NOT NULL AND (d.user_id, d.product, d.returned, d.name, d.currency)
                 = (r.user_id, r.product, r.won, r.came, r.currency) AND (r.is_free OR d.staked = r.staked)
                 AND (t.user_id, t.idem_key) = (r.user_id, r.round_id)
                 AND {_GAINED.format("t.id")} = r.won - r.staked
    FROM (SELECT * FROM game_rounds WHERE id > $1 ORDER BY id LIMIT $2) AS r
    LEFT JOIN odds_draws AS d ON d.id = r.draw_id LEFT JOIN ledger_txs AS t ON t.id = r.tx_id ORDER BY r.id"""  # noqa: S608 - our own words
_DRAWS: Final = """
    SELECT d.id, d.product !~ '^(slot|roulette|rps)-' OR r.id IS NOT NULL
    FROM (SELECT id, product FROM odds_draws WHERE id > $1 ORDER BY id LIMIT $2) AS d
    LEFT JOIN game_rounds AS r ON r.draw_id = d.id ORDER BY d.id"""
_SETTLEMENTS: Final = """
    SELECT t.id, CASE WHEN t.kind IN ('slot_round', 'roulette_round', 'rps_round', 'free_spin') THEN r.id IS NOT NULL
                      WHEN t.kind = 'duel_stake' THEN s.duel_number IS NOT NULL
                      WHEN t.kind = 'duel_win' THEN EXISTS (
                          SELECT FROM game_duels AS d JOIN game_duel_seats AS w ON w.duel_number = d.number
                          WHERE d.duel_id = t.idem_key AND w.user_id = t.user_id AND w.returned = 2 * d.stake)
                      ELSE true END
    FROM (SELECT id, kind, idem_key, user_id FROM ledger_txs WHERE id > $1 ORDER BY id LIMIT $2) AS t
    LEFT JOIN game_rounds AS r ON r.tx_id = t.id LEFT JOIN game_duel_seats AS s ON s.stake_tx_id = t.id ORDER BY t.id"""
_DUELS: Final = f"""
    SELECT d.number, bool_and(
        (s.stake_tx_id IS NULL OR {_GAINED.format("s.stake_tx_id")} = -d.stake)
        AND (s.returned IS NULL OR s.returned = 0 OR s.returned = (
            SELECT sum(e.amount) FROM ledger_txs AS t JOIN ledger_entries AS e ON e.tx_id = t.id AND e.account_id > 0
            WHERE t.idem_scope = 'duel_end:' || s.user_id AND t.idem_key = d.duel_id)))
        AND (d.state NOT IN ('settled', 'timed_out') OR sum(s.returned) = 2 * d.stake)
    FROM (SELECT * FROM game_duels WHERE number > $1 ORDER BY number LIMIT $2) AS d
    JOIN game_duel_seats AS s ON s.duel_number = d.number
    GROUP BY d.number, d.state, d.stake ORDER BY d.number"""  # noqa: S608 - our own words


async def rounds(db: Db, after_id: int, limit: int) -> Looked:
    """Rounds without their draw or settlement, or with another one's."""
    return await _looked(db, _ROUNDS, ROUND, "round", after_id, limit)


async def draws(db: Db, after_id: int, limit: int) -> Looked:
    """Draws that no round shows."""
    return await _looked(db, _DRAWS, DRAW, "draw", after_id, limit)


async def settlements(db: Db, after_id: int, limit: int) -> Looked:
    """Transactions of rounds and duels that belong to none."""
    return await _looked(db, _SETTLEMENTS, SETTLEMENT, "transaction", after_id, limit)


async def duels(db: Db, after_id: int, limit: int) -> Looked:
    """Duels whose stakes were not taken, or not paid out, as they say."""
    return await _looked(db, _DUELS, DUEL, "duel", after_id, limit)


async def _looked(db: Db, query: str, invariant: str, what: str, after_id: int, limit: int) -> Looked:
    rows = await db.fetch(query, after_id, limit)
    found = [Finding(invariant, f"{what} {row[0]}") for row in rows if not row[1]]
    return Looked(found, rows[-1][0] if len(rows) == limit else None)
