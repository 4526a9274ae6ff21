"""How long exact figures take, how many draws a second are made, and whether every cell comes as often as is declared.

Draws are made as the engine makes them, with one seed and nonces from 1 on; a gacha's user goes on from state to state,
and a bonus is drawn in each of its cells in turn.
The seed is fixed, so every run draws the same and has the same greatest deviation.
"""

import argparse
import time
from collections import Counter
from collections.abc import Iterator
from math import sqrt

from casino_club.features.odds.rules.disclosure import disclose
from casino_club.features.odds.rules.exact import rates_at
from casino_club.features.odds.rules.outcomes import cell_of, next_state
from casino_club.features.odds.rules.seeds import Seeded
from casino_club.features.odds.rules.shapes import Cells, Prizes
from casino_club.features.odds.rules.shipped import shipped_tables
from casino_club.features.odds.rules.tables import OddsTable, read_table, table_of
from casino_club.features.odds.rules.watch import groups
from casino_club.features.odds.rules.wheels import stop
from casino_club.features.rewards.rules.bonus import bonus_tables

SEED = bytes(range(32))
COMMIT_ID = "01936f5e-7b1c-4000-8000-000000000001"
CLIENT_SEED = "bench-20261120"
DRAWS = 10_000_000
SIGMAS_MAX = 4.0

Stops = tuple[int, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=DRAWS, help="draws of each table")
    parser.add_argument("--product", help="only this one")
    options = parser.parse_args()
    for table in (*shipped_tables(), *map(table_of, bonus_tables())):
        if options.product in (None, table.product):
            _measure(table, options.draws)


def _measure(table: OddsTable, draws: int) -> None:
    began = time.process_time()
    disclose(read_table(table.text))
    exact_ms = (time.process_time() - began) * 1_000

    began = time.process_time()
    came = drawn(table, draws)
    seconds = time.process_time() - began

    found = list(deviations(table, came))
    most = max(found, default=0.0)
    verdict = "met" if most <= SIGMAS_MAX else "MISSED"
    print(
        f"{table.product}: exact figures in {exact_ms:.1f} ms of processor time; {draws:,} draws in {seconds:.0f} s, "
        f"{draws / seconds:,.0f} /s; {len(found)} cells, the farthest off by {most:.2f} sigma (at most 4: {verdict})",
        flush=True,
    )


def drawn(table: OddsTable, draws: int) -> Counter[tuple[int, Stops]]:
    """How often the wheels stopped where, at each state."""
    words = Seeded(SEED, commit_id=COMMIT_ID, client_seed=CLIENT_SEED).words
    came: Counter[tuple[int, Stops]] = Counter()
    wheels, digest, state = table.wheels, table.digest, 0
    moves, goes_round = table.is_stateful, isinstance(table.shape, Cells)
    for nonce in range(1, draws + 1):
        if goes_round:
            state = nonce % table.states
        stops = stop(wheels[state], words(nonce, digest))
        came[state, stops] += 1
        if moves:
            state = next_state(table, state, stops[0])
    return came


def deviations(table: OddsTable, came: Counter[tuple[int, Stops]]) -> Iterator[float]:
    """By how many sigmas each cell is off: what comes at states with the same rates, and every place of each reel."""
    for first, last in groups(table):
        here = {stops: 0 for (state, stops) in came if first <= state <= last}
        for (state, stops), times in came.items():
            if first <= state <= last:
                here[stops] += times
        draws = sum(here.values())
        cells: Counter[str] = Counter()
        for stops, times in here.items():
            cells[cell_of(table, stops)] += times
        for cell, rate in rates_at(table, first).items():
            yield from _off(cells[cell], draws, float(rate))
        if not isinstance(table.shape, Prizes | Cells):
            yield from _places_off(table, here, draws)


def _places_off(table: OddsTable, here: dict[Stops, int], draws: int) -> Iterator[float]:
    for reel, wheel in enumerate(table.wheels[0]):
        places: Counter[int] = Counter()
        for stops, times in here.items():
            places[stops[reel]] += times
        for place, weight in enumerate(wheel.weights):
            yield from _off(places[place], draws, weight / wheel.total)


def _off(came: int, draws: int, rate: float) -> Iterator[float]:
    if 0 < rate < 1 and draws:
        yield abs(came - draws * rate) / sqrt(draws * rate * (1 - rate))
    else:
        assert came == draws * rate, "what can't come has come"


if __name__ == "__main__":
    main()
