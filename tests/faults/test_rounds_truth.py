"""The end checks of the 200 users find what is planted behind everybody's back, and nothing before that."""

import asyncio
from pathlib import Path

import pytest

from tests.faults.gaming import Crowd, Guest, duel, gathered
from tests.faults.rounds_truth import differences
from tests.faults.stage import staged
from tests.faults.test_rounds import GIVEN

PLAYS_EACH = 6
FIRST_PLAY = """(SELECT min(id) FROM user_actions WHERE user_id = $1
                 AND action_type IN ('SLOT_SPIN', 'ROULETTE_SPIN', 'RPS_PLAY', 'GACHA_SPIN'))"""
COINS = """(SELECT min(e.account_id) FROM ledger_entries AS e JOIN ledger_txs AS t ON t.id = e.tx_id
            WHERE t.user_id = $1 AND e.account_id > 0 AND e.lot_id IS NULL)"""

PLANTED: dict[str, tuple[str, str]] = {
    "a round says something else": (
        "UPDATE game_rounds SET won = won + 1 WHERE id = (SELECT min(id) FROM game_rounds WHERE user_id = $1)",
        "lost or changed: /api/games/rounds/",
    ),
    "a round is gone": (
        "DELETE FROM game_rounds WHERE id = (SELECT min(id) FROM game_rounds WHERE user_id = $1)",
        "lost or changed: /api/games/rounds/",
    ),
    "a round is there twice": (
        """INSERT INTO game_rounds OVERRIDING SYSTEM VALUE SELECT (jsonb_populate_record(r, jsonb_build_object(
               'id', (SELECT max(id) + 1 FROM game_rounds), 'round_id', gen_random_uuid(),
               'draw_id', -r.draw_id, 'tx_id', -r.tx_id))).*
           FROM game_rounds AS r WHERE user_id = $1 ORDER BY id LIMIT 1""",
        "doubled or of nobody: /api/games/rounds of user {user}",
    ),
    "a duel says something else": (
        "UPDATE game_duel_seats SET returned = returned + 1 WHERE user_id = $1",
        "lost or changed: /api/games/duels/",
    ),
    "an opening is gone": ("DELETE FROM gacha_log WHERE user_id = $1", "lost or changed: /api/gacha/spins/"),
    "a purchase is gone": (
        "DELETE FROM shop_transactions WHERE user_id = $1",
        "lost or changed: /api/shop/purchases/",
    ),
    "a number of the seed is skipped": (
        "UPDATE odds_draws SET nonce = nonce + 1 WHERE id = (SELECT max(id) FROM odds_draws WHERE user_id = $1)",
        "draws of user {user}: ",
    ),
    "a draw is gone": (
        "DELETE FROM odds_draws WHERE id = (SELECT min(id) FROM odds_draws WHERE user_id = $1)",
        "draws of user {user}: ",
    ),
    "a balance is another": (
        f"UPDATE ledger_accounts SET balance = balance + 1 WHERE id = {COINS}",
        "money: user {user} has ",
    ),
    "a row of the log is gone": (
        f"DELETE FROM user_actions WHERE id = {FIRST_PLAY}",
        "in the log 0 times, not 1: ({user}, ",
    ),
    "a row of the log is there twice": (
        f"""INSERT INTO user_actions SELECT (jsonb_populate_record(a, jsonb_build_object(
                'id', nextval('action_ids'), 'client_action_id', gen_random_uuid()))).*
            FROM user_actions AS a WHERE id = {FIRST_PLAY}""",
        "in the log 2 times, not 1: ({user}, ",
    ),
}


@pytest.mark.timeout(300)
async def test_the_end_checks_find_what_is_planted_and_nothing_before(tmp_path: Path) -> None:
    async with staged(tmp_path, given=GIVEN) as stage:
        await stage.ready()
        crowd = await gathered(stage.port, len(PLANTED) + len(PLANTED) % 2, seed="planted")
        try:
            await asyncio.gather(*(play(*pair) for pair in crowd.pairs))
            before = await differences(stage, crowd)
            async with stage.database() as db:
                await db.execute("SET session_replication_role = replica")  # Past the guards of the tables.
                for guest, (statement, _) in zip(crowd.guests, PLANTED.values(), strict=False):
                    assert int((await db.execute(statement, guest.user_id)).split()[-1]) > 0, statement
            after = await differences(stage, crowd)
        finally:
            await crowd.close()

    assert before == []
    assert missed(crowd, after) == []
    assert any(each.startswith("invariant ") for each in after)


async def play(one: Guest, other: Guest) -> None:
    """Some of everything."""
    for each in (one, other):
        await each.open_gacha(each._new_id())
    await duel(one, other)
    for _ in range(PLAYS_EACH):
        await asyncio.gather(one.play(), other.play())


def missed(crowd: Crowd, found: list[str]) -> list[str]:
    """What was planted and not said of its user."""
    return [
        what
        for guest, (what, (_, says)) in zip(crowd.guests, PLANTED.items(), strict=False)
        if not any(each.startswith(says.format(user=guest.user_id)) and str(guest.user_id) in each for each in found)
    ]
