"""A run: so many users for so many days under one rulebook. The same arguments always give the same counts."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from casino_club.entry.economy.behaviour import Mix
from casino_club.entry.economy.books import Books
from casino_club.entry.economy.buying import Till
from casino_club.entry.economy.games import Parlour
from casino_club.entry.economy.living import World, born, live
from casino_club.entry.economy.refusals import MixInvalid
from casino_club.entry.economy.rulebook import Rulebook
from casino_club.entry.economy.tally import Day, Report, Tally

STARTS_AT: Final = datetime(2026, 1, 5, tzinfo=UTC)
"""A Monday. Always the same one, or no two runs would be alike."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run, besides the rules."""

    users: int
    days: int
    seed: int
    mix_name: str
    mix: Mix


@dataclass(frozen=True, slots=True)
class Run:
    """What came of it."""

    plan: Plan
    rules: Rulebook
    parlour: Parlour
    tally: Tally
    books: Books


def simulate(plan: Plan, rules: Rulebook, report: Report = lambda _, __: None) -> Run:
    """Every user's life, one after the other: they never meet. Raises `MixInvalid`."""
    parlour = Parlour(rules)
    check_mix(plan.mix, parlour)
    tally, books = Tally([Day() for _ in range(plan.days)]), Books(rules.closed)
    world = World(plan.seed, STARTS_AT, parlour, books, tally, Till(rules, books, tally))
    for user in range(1, plan.users + 1):
        life = born(plan.mix.kinds, user, seed=plan.seed)
        live(world, life)
        tally.people.append(life.person())
        for pocket, amount in life.purse.balances.items():
            tally.held_at_end[pocket.currency] += amount
        report(user, plan.users)
    return Run(plan, rules, parlour, tally, books)


def check_mix(mix: Mix, parlour: Parlour) -> None:
    """Raises `MixInvalid` for games, bets and stakes that these rules don't have."""
    for name, kind in mix.kinds.items():
        for product, bets in kind.games.items():
            game = parlour.games.get(product)
            if game is None:
                raise MixInvalid(f"{name} plays {product}, which is no game of {parlour.rules.name}.")
            if unknown := sorted(set(bets) - set(game.bets)):
                raise MixInvalid(f"{name} bets on {', '.join(unknown)}, which {product} does not have.")
