"""Proofs of draws, as many as wanted, from a seed of the test's."""

import random
from collections.abc import Iterator, Sequence
from uuid import UUID

from casino_club.features.odds.rules.outcomes import Bet
from casino_club.features.odds.rules.proofs import Promise, draw, proof_text
from casino_club.features.odds.rules.shapes import Slot, Wager
from casino_club.features.odds.rules.tables import OddsTable

PRINTABLE = [chr(code) for code in range(33, 127)]


def a_promise(rng: random.Random) -> Promise:
    client_seed = "".join(rng.choices(PRINTABLE, k=rng.randint(1, 64)))
    return Promise(str(UUID(int=rng.getrandbits(128), version=4)), rng.randbytes(32), client_seed)


def bets_on(table: OddsTable, rng: random.Random) -> list[Bet]:
    """Some bets that the table takes."""
    shape = table.shape
    if not isinstance(shape, Wager | Slot):
        return []
    chosen = rng.sample(sorted(table.wins), k=rng.randint(1, min(3, len(table.wins))))
    steps = range(shape.stake.min // shape.stake.step, shape.stake.max // shape.stake.step + 1)
    return [Bet(bet, rng.choice(steps) * shape.stake.step) for bet in chosen]


def proofs(tables: Sequence[OddsTable], number: int, *, seed: int) -> Iterator[str]:
    """One after the other, of any of the tables."""
    rng = random.Random(seed)
    for _ in range(number):
        table, promise = rng.choice(tables), a_promise(rng)
        state, bets = rng.randrange(table.states), bets_on(table, rng)
        drawn = draw(table, promise, nonce=rng.randint(1, 2**53 - 1), state=state, bets=bets)
        yield proof_text(table, promise, drawn)
