"""What a table says in public, computed from the table alone: every rate as a fraction, and in decimals beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

from casino_club.features.odds.rules import exact
from casino_club.features.odds.rules.outcomes import stake_of
from casino_club.features.odds.rules.shapes import Cells, Price, Prize, PrizeKind, Prizes, Stake, Title
from casino_club.features.odds.rules.tables import OddsTable


@dataclass(frozen=True, slots=True)
class Exact:
    """A number. The fraction is all of it; the decimals may be rounded in the last place and say so."""

    fraction: str
    decimal: str
    is_exact: bool


@dataclass(frozen=True, slots=True)
class ThingOdds:
    """One thing that can come: an item, a place of the wheel, or a slot's return for one step of the stake.

    With pity this is the long run; what holds just now is the rate of the state. Cells have no long run.
    """

    id: str
    rate: Exact | None
    tier: str | None = None
    prize: Prize | None = None


@dataclass(frozen=True, slots=True)
class StateOdds:
    """Rates from one state to another, both included, in the order of the things. A cell has its name."""

    first: int
    last: int
    rates: Sequence[Exact]
    hit_rate: Exact
    cell: str | None = None


@dataclass(frozen=True, slots=True)
class BetOdds:
    """A bet: what it gives back of its stake on average, how often it gives anything, how often more than the stake."""

    id: str
    rtp: Exact
    hit_rate: Exact
    gain_rate: Exact


@dataclass(frozen=True, slots=True)
class PrizeValue:
    """How much of a kind one draw gives on average. Content, badges and coupons are counted, not added up."""

    kind: PrizeKind
    per_draw: Exact


@dataclass(frozen=True, slots=True, eq=False)
class Disclosure:
    """All that can be known of a product before it is played. Where a figure differs between bets, both ends stand.

    There is one of each table, so that what follows from it can be kept as well.
    """

    product: str
    digest: str
    kind: str
    title: Title
    things: Sequence[ThingOdds]
    states: Sequence[StateOdds]
    bets: Sequence[BetOdds]
    hit_rate: Exact | None
    rtp: Exact | None
    rtp_max: Exact | None
    expected_value: Sequence[PrizeValue]
    ceiling_draws: int | None
    stake: Stake | None
    price: Price | None
    holds_content: bool
    table_text: str
    """What the digest is taken of."""


def exactly(value: Fraction) -> Exact:
    """A number as people and programs read it."""
    return Exact(f"{value.numerator}/{value.denominator}", exact.decimal(value), exact.is_exact(value))


@lru_cache(maxsize=64)
def disclose(table: OddsTable) -> Disclosure:
    """The public page of a table."""
    shape = table.shape
    bets = [_bet_odds(table, bet) for bet in table.wins]
    lowest, highest = _rtp_bounds(table)
    return Disclosure(
        product=table.product,
        digest=table.digest,
        kind=type(shape).__name__.lower(),
        title=shape.title,
        things=_things(table),
        states=_states(table),
        bets=bets,
        hit_rate=_hit_rate(table),
        rtp=lowest,
        rtp_max=highest,
        expected_value=_expected(table),
        ceiling_draws=exact.ceiling(table),
        stake=stake_of(shape),
        price=shape.price if isinstance(shape, Prizes | Cells) else None,
        holds_content=table.holds_content,
        table_text=table.text,
    )


def _things(table: OddsTable) -> list[ThingOdds]:
    match table.shape:
        case Prizes() as shape:
            rates = exact.long_run_rates(table)
            return [ThingOdds(item.id, exactly(rates[item.id]), item.tier, item.prize) for item in shape.items]
        case Cells() as shape:
            return [ThingOdds(item.id, None, item.tier, item.prize) for item in shape.items]
    return [ThingOdds(name, exactly(rate)) for name, rate in exact.rates_at(table, 0).items()]


def _states(table: OddsTable) -> list[StateOdds]:
    """States in a row that share their weights stand together."""
    if isinstance(table.shape, Cells):
        return [_state_odds(table, at, at, cell.id) for at, cell in enumerate(table.shape.cells)]
    if not isinstance(table.shape, Prizes):
        return []
    wheels = table.wheels
    begins = [at for at in range(len(wheels)) if at == 0 or wheels[at] != wheels[at - 1]]
    return [_state_odds(table, first, after - 1) for first, after in pairwise([*begins, len(wheels)])]


def _state_odds(table: OddsTable, first: int, last: int, cell: str | None = None) -> StateOdds:
    rates = exact.rates_at(table, first)
    return StateOdds(first, last, [exactly(rate) for rate in rates.values()], exactly(_hits(table, rates)), cell)


def _hits(table: OddsTable, rates: exact.Rates) -> Fraction:
    shape = table.shape
    assert isinstance(shape, Prizes | Cells)
    blanks = (rates[item.id] for item in shape.items if item.prize.kind is PrizeKind.NOTHING)
    return 1 - sum(blanks, Fraction(0))


def _bet_odds(table: OddsTable, bet: str) -> BetOdds:
    figures = (exact.rtp(table, bet), exact.hit_rate(table, bet), exact.gain_rate(table, bet))
    return BetOdds(bet, *map(exactly, figures))


def _hit_rate(table: OddsTable) -> Exact | None:
    """The one hit rate, where there is one: bets and cells that differ have their own."""
    if isinstance(table.shape, Prizes):
        return exactly(_hits(table, exact.long_run_rates(table)))
    found = {exact.hit_rate(table, bet) for bet in table.wins}
    return exactly(found.pop()) if len(found) == 1 else None


def _rtp_bounds(table: OddsTable) -> tuple[Exact, Exact] | tuple[None, None]:
    """The lowest and the highest of all bets; for prizes, what comes back in the currency that was paid."""
    shape = table.shape
    found = [exact.rtp(table, bet) for bet in table.wins]
    if isinstance(shape, Prizes) and shape.price.amount:
        back = exact.expected_prizes(table, exact.long_run_rates(table))
        found = [back.get(PrizeKind(shape.price.currency), Fraction(0)) / shape.price.amount]
    return (exactly(min(found)), exactly(max(found))) if found else (None, None)


def _expected(table: OddsTable) -> list[PrizeValue]:
    if not isinstance(table.shape, Prizes):
        return []
    expected = exact.expected_prizes(table, exact.long_run_rates(table))
    return [PrizeValue(kind, exactly(value)) for kind, value in expected.items()]
