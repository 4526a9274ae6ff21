"""One version of the rules that users play by: the platform's own, with the tables that somebody wants to try."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from casino_club.entry.economy.refusals import RulesInvalid
from casino_club.features.games.rules.free_coins import FreeCoins
from casino_club.features.games.rules.pace import Pace
from casino_club.features.odds.rules.markets import Funds, Game, Market
from casino_club.features.odds.rules.shapes import Cells
from casino_club.features.odds.rules.shipped import shipped_tables
from casino_club.features.odds.rules.tables import OddsTable, table_of
from casino_club.features.rewards.rules.amounts import AmountPolicy
from casino_club.features.rewards.rules.bonus import bonus_tables
from casino_club.features.shop.rules.catalogue import FORMAT as CATALOGUE_FORMAT
from casino_club.features.shop.rules.catalogue import Catalogue, catalogue_of
from casino_club.features.shop.rules.offers import Place
from casino_club.features.wallet.rules.edges import Edge
from casino_club.kernel.canonical import read_json
from casino_club.kernel.errors import Refused

SHIPPED: Final = "shipped"
CATALOGUE: Final = "catalogue"


@dataclass(frozen=True, slots=True)
class Rulebook:
    """What is the same for every user of a run."""

    name: str
    tables: Mapping[str, OddsTable]
    catalogue: Catalogue
    market_name: str
    market: Market
    closed: frozenset[Edge]
    free_coins: FreeCoins
    amounts: AmountPolicy
    pace: Pace
    streak_gap: timedelta
    free_spin_coins: int
    """What a free spin stands for."""

    @property
    def digests(self) -> dict[str, str]:
        """By product, so that a report says what it is of."""
        found = {product: table.digest for product, table in sorted(self.tables.items())}
        return {**found, CATALOGUE: self.catalogue.digest}

    @property
    def place(self) -> Place:
        """Where the catalogue is sold."""
        return Place(self.market_name, admits_paid_stakes=Funds.CASH_TOKENS not in self.market.closed)


def tables_of_today() -> dict[str, OddsTable]:
    """The tables that the platform brings along, by product."""
    found = [*shipped_tables(), *(table_of(value) for value in bonus_tables())]
    return {table.product: table for table in found}


def with_files(rules: Rulebook, name: str, texts: Iterable[tuple[str, bytes]]) -> Rulebook:
    """The same rules with other tables, or another catalogue, in place of their own. Raises `RulesInvalid`."""
    tables, catalogue = dict(rules.tables), rules.catalogue
    for file, text in texts:
        found = _read(file, text)
        if isinstance(found, Catalogue):
            catalogue = found
            continue
        _check(file, found, tables)
        tables[found.product] = found
    return replace(rules, name=name, tables=tables, catalogue=catalogue)


def _read(file: str, text: bytes) -> OddsTable | Catalogue:
    try:
        value = read_json(text)
        is_catalogue = isinstance(value, dict) and value.get("format") == CATALOGUE_FORMAT
        return catalogue_of(value) if is_catalogue else table_of(value)
    except Refused as refused:
        raise RulesInvalid(f"{file}: {refused.message}") from None


def _check(name: str, table: OddsTable, tables: Mapping[str, OddsTable]) -> None:
    before = tables.get(table.product)
    if before is not None and type(before.shape) is not type(table.shape):
        raise RulesInvalid(f"{name}: {table.product} is another kind of table.")
    if isinstance(table.shape, Cells):
        if before is None:
            raise RulesInvalid(f"{name}: no game has a bonus {table.product}.")
        if {cell.id for cell in before.shape.cells} - {cell.id for cell in table.shape.cells}:  # type: ignore[union-attr]  # both are cells
            raise RulesInvalid(f"{name}: {table.product} lacks cells that users stand in.")
    elif not any(table.product.startswith(f"{game}-") for game in Game):
        raise RulesInvalid(f"{name}: {table.product} is of no game; names begin with {', '.join(Game)}.")
