"""The same seeds and nonce draw the same, whatever is staked on whatever, and at whichever of equal states."""

import os
import random
from itertools import islice

from casino_club.features.odds.rules.outcomes import Bet
from casino_club.features.odds.rules.proofs import draw
from casino_club.features.odds.rules.shipped import shipped_tables
from casino_club.features.odds.rules.tables import OddsTable
from casino_club.features.odds.rules.watch import groups
from tests.builders.proofs import a_promise, bets_on

PAIRS = int(os.environ.get("CASINO_CLUB_TEST_PAIRS", "3000"))


def two_states(table: OddsTable, rng: random.Random) -> tuple[int, int]:
    """Of those that share their weights."""
    first, last = rng.choice(groups(table))
    return rng.randint(first, last), rng.randint(first, last)


def test_nothing_but_seeds_nonce_and_declared_weights_decides() -> None:
    rng, tables = random.Random(20261120), shipped_tables()
    different = 0
    for nonce in islice(iter(lambda: rng.randint(1, 2**53 - 1), 0), PAIRS):
        table, promise = rng.choice(tables), a_promise(rng)
        one, other = (
            draw(table, promise, nonce=nonce, state=state, bets=bets_on(table, rng)) for state in two_states(table, rng)
        )
        different += (one.stops, one.outcome.name) != (other.stops, other.outcome.name)

    assert different == 0


def test_each_part_of_the_chance_counts() -> None:
    rng = random.Random(1)
    [table] = [table for table in shipped_tables() if table.product == "roulette-european"]
    promise = a_promise(rng)
    bets = [Bet("red", 10)]

    drawn = [draw(table, promise, nonce=nonce, bets=bets).stops for nonce in range(1, 200)]
    with_others = [draw(table, a_promise(rng), nonce=1, bets=bets).stops for _ in range(200)]

    assert len(set(drawn)) == len(set(with_others)) == 37
