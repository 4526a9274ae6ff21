"""Rules and runs to look at."""

import tomllib
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from casino_club.entry.cli.economy import rulebook_over
from casino_club.entry.economy.behaviour import mix_named
from casino_club.entry.economy.rulebook import Rulebook
from casino_club.entry.economy.simulation import Plan, Run, simulate
from casino_club.features.odds.rules import shipped
from casino_club.features.odds.rules.tables import table_of
from casino_club.infra.settings import Settings

SHIPPED = tomllib.loads((files("casino_club.entry.economy") / "mixes.toml").read_text())
RULES = rulebook_over(Settings(data_dir=Path("nowhere")))


def a_plan(mix: str = "everyday", *, users: int = 60, days: int = 20, seed: int = 1) -> Plan:
    return Plan(users, days, seed, mix, mix_named(SHIPPED, mix))


def a_mix(**words: Any) -> dict[str, Any]:
    """A file with one mix of one kind, which plays the slot unless told otherwise."""
    kind = {"share": 1, "games": {"slot-orchard": {"spin": 1}}, **words}
    return {"mixes": {"own": {"about": "A test's.", "kinds": {"some": kind}}}}


def own_plan(*, users: int = 60, days: int = 20, seed: int = 1, **words: Any) -> Plan:
    return Plan(users, days, seed, "own", mix_named(a_mix(**words), "own"))


def a_run(mix: str = "everyday", *, users: int = 60, days: int = 20, seed: int = 1) -> Run:
    return simulate(a_plan(mix, users=users, days=days, seed=seed), RULES)


def a_meaner_slot() -> dict[str, Any]:
    """Lemons pay 14 and not 15."""
    slot = shipped.slot()
    for each in slot["pays"]:
        each["pays"] -= each["symbol"] == "lemon"
    return slot


def with_table(value: dict[str, Any]) -> Rulebook:
    table = table_of(value)
    return replace(RULES, name="other", tables={**RULES.tables, table.product: table})
