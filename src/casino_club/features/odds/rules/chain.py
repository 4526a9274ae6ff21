"""Draws with a memory, as a finite automaton: how often each state comes in the long run, and when luck must come.

Everything is exact: rational numbers, solved by taking states out of the chain one by one.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction

Steps = Sequence[Mapping[int, Fraction]]
"""For each state, how likely each next state is. Every state can be reached from the first and leads back."""


def long_run(steps: Steps) -> list[Fraction]:
    """The share of draws that are made at each state, over ever more of them.

    States are taken out from the last down, and whoever passed through one is led past it; then they are weighed
    from the first up. Nothing is subtracted, and a chain that mostly leads one draw further stays as sparse as it is.
    """
    chain = [dict(row) for row in steps]
    inflows: list[dict[int, Fraction]] = [{} for _ in chain]
    for last in range(len(chain) - 1, 0, -1):
        inflows[last] = _take_out(chain, last)
    weights = [Fraction(1)]
    for state in range(1, len(steps)):
        weights.append(sum((weights[origin] * share for origin, share in inflows[state].items()), Fraction(0)))
    whole = sum(weights)
    return [weight / whole for weight in weights]


def _take_out(chain: list[dict[int, Fraction]], last: int) -> dict[int, Fraction]:
    """Lead every path past the last state; how much of it came from each other, for one visit that leaves."""
    row = chain.pop()
    row.pop(last, None)
    leaving = sum(row.values(), Fraction(0))
    assert leaving > 0, f"state {last} leads nowhere else"
    inflow: dict[int, Fraction] = {}
    for origin, onward in enumerate(chain):
        passing = onward.pop(last, None)
        if passing is None:
            continue
        inflow[origin] = passing / leaving
        for target, share in row.items():
            onward[target] = onward.get(target, Fraction(0)) + inflow[origin] * share
    return inflow


def longest_wait(onward: Sequence[frozenset[int]], *, from_state: int = 0) -> int | None:
    """After how many draws luck has come for certain, or None if it may stay away for ever.

    `onward` names, for each state, where bad luck can lead. Every such path is followed to its end.
    """
    waits: dict[int, int] = {}
    path: list[tuple[int, list[int]]] = [(from_state, sorted(onward[from_state]))]
    open_states = {from_state}
    while path:
        state, ahead = path[-1]
        if ahead:
            target = ahead.pop()
            if target in open_states:
                return None
            if target not in waits:
                path.append((target, sorted(onward[target])))
                open_states.add(target)
            continue
        waits[state] = 1 + max((waits[target] for target in onward[state]), default=0)
        open_states.remove(state)
        path.pop()
    return waits[from_state]
