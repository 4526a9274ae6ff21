"""Opening a gacha: admitted, paid, drawn, given, kept and told to the log in one transaction, or nothing of it."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from typing import Final
from uuid import UUID

from casino_club.features.actions import public as actions
from casino_club.features.gacha import store
from casino_club.features.gacha.commands.desk import GachaDesk
from casino_club.features.gacha.events import GachaOpened
from casino_club.features.gacha.rules import openings as rules
from casino_club.features.gacha.rules.refusals import FreeGemsOnly, NoGacha, OpeningReused
from casino_club.features.gacha.store import Opening, Pull
from casino_club.features.odds import public as odds
from casino_club.features.odds.public import OddsNow
from casino_club.features.protection import public as protection
from casino_club.features.protection.public import Occasion
from casino_club.features.rewards import public as rewards
from casino_club.features.rewards.public import Grant, Reward, RewardType
from casino_club.features.wallet import public as wallet
from casino_club.features.wallet.public import House, Key, Order, Pocket, Take
from casino_club.infra.db.database import Crossed, Db
from casino_club.kernel.ids import derived_uuid
from casino_club.kernel.money import Currency

REASON: Final = "gacha"
NOTHING: Final = "NOTHING"


@dataclass(frozen=True, slots=True)
class Wish:
    """An opening that somebody wants. Its id is the user's own, and the opening's for ever."""

    user_id: int
    spin_id: UUID
    product: str
    spins: int


@dataclass(frozen=True, slots=True)
class Paid:
    """The transaction that took the price, how much of it was paid for with money, and what can be spent then."""

    tx_id: int
    paid_gems: int
    balance: int


async def open_gacha(db: Db, desk: GachaDesk, wish: Wish, *, now: datetime) -> Opening:
    """Open a gacha once. The same again gives the same opening; another one under its id is refused."""
    await actions.lock_users(db, [wish.user_id])
    standing = await store.standing_of(db, wish.user_id, wish.spin_id, wish.product)
    if standing.opening is not None:
        return _same(standing.opening, wish)
    rules.check_pace(standing.next_at, now)
    found = await odds.odds_for(db, desk.odds, wish.product, wish.user_id, now=now)
    price = _price(found, wish)
    is_of_age = await _check_age(db, desk, found, wish.user_id)

    policy = desk.rewards
    await protection.admit(
        db, wish.user_id, Occasion.BET, price, currency=Currency.GEM, now=now, policy=policy.protection
    )
    paid = await _pay(db, desk, wish, found, price, now=now)
    pulls = [pull async for pull in _drawn(db, desk, wish, found, is_of_age=is_of_age, now=now)]
    if grants := list(_grants(wish, pulls)):
        await rewards.grant_all(db, grants, now=now, policy=policy)

    made = _made(wish, found, paid, pulls, price=price, now=now)
    await actions.append(db, _told(made, found), at=now, policy=policy.wallet.actions)
    return await _keep(db, desk, made, standing, now=now)


def _same(made: Opening, wish: Wish) -> Opening:
    if (made.product, made.spin_count) != (wish.product, wish.spins):
        raise OpeningReused
    return made


def _price(found: OddsNow, wish: Wish) -> int:
    assert 1 <= wish.spins <= rules.PULLS_MAX, wish.spins
    gems = gems_a_pull(found)
    if gems is None:
        raise NoGacha
    return wish.spins * gems


def gems_a_pull(found: OddsNow) -> int | None:
    """What a pull from this table costs; None if it is no gacha's."""
    price = found.odds.price
    return None if price is None else rules.gems_a_pull(found.odds.product, price.currency, price.amount)


async def _check_age(db: Db, desk: GachaDesk, found: OddsNow, user_id: int) -> bool:
    """Nothing of a table that holds content is looked at for somebody whose age is not proven."""
    market = desk.market
    years = max(market.play_age_years_min, market.content_age_years_min if found.odds.holds_content else 0)
    await desk.ages.check(db, user_id, years_min=years)
    return await desk.ages.holds(db, user_id)


async def _pay(db: Db, desk: GachaDesk, wish: Wish, found: OddsNow, price: int, *, now: datetime) -> Paid:
    """Spend gems, the oldest that may be. Where prizes can be staked they go another way, which markets may close."""
    pockets = tuple(Pocket[name.upper()] for name in funds_for(desk, found))
    if Pocket.PAID_GEMS not in pockets:
        await _check_free_gems(db, wish.user_id, price)
    take = Take(Currency.GEM, price, House.PULLS if can_be_staked(found) else House.GOODS, pockets)
    posted = await wallet.post(
        db,
        Order("gacha", wish.user_id, (take,)),
        key=Key(f"gacha:{wish.user_id}", wish.spin_id),
        now=now,
        policy=desk.rewards.wallet,
        round_id=wish.spin_id,
    )
    assert not posted.was_repeated, "an opening was paid that nobody kept"
    return Paid(posted.tx_id, posted.taken_from(Pocket.PAID_GEMS), posted.balance(Currency.GEM))


def can_be_staked(found: OddsNow) -> bool:
    """Whether pulls from this table may lead to a stake."""
    return rules.can_be_staked(thing.prize.kind.value for thing in found.odds.things if thing.prize is not None)


def funds_for(desk: GachaDesk, found: OddsNow) -> list[str]:
    """The gems that may pay for pulls from this table here. The ledger closes the way to the others as well."""
    return [str(each) for each in desk.market.gems_for_pulls(stakeable=can_be_staked(found))]


async def _check_free_gems(db: Db, user_id: int, price: int) -> None:
    """Says why to somebody who has gems enough, but paid for them."""
    held = await wallet.held_by(db, user_id)
    free = held[Pocket.FREE_GEMS]
    if free < price <= free + held[Pocket.PAID_GEMS]:
        raise FreeGemsOnly(wanted=price, free=free)


async def _drawn(
    db: Db, desk: GachaDesk, wish: Wish, found: OddsNow, *, is_of_age: bool, now: datetime
) -> AsyncIterator[Pull]:
    """Pull by pull, each from where the one before has led, all from the table that was looked at."""
    tiers = {thing.id: thing.tier or "" for thing in found.odds.things}
    wanted = odds.Wanted(wish.product, wish.user_id, currency=Currency.GEM, is_of_age=is_of_age)
    for _ in range(wish.spins):
        drawn = await odds.draw(db, desk.odds, wanted, now=now)
        if drawn.digest != found.odds.digest:
            raise Crossed("another table became this user's while they opened it")
        outcome, prize = drawn.outcome, drawn.outcome.prize
        assert prize is not None, f"{drawn.product} gives no prizes"
        yield Pull(
            drawn.draw_id,
            drawn.commit_id,
            drawn.nonce,
            drawn.receipt,
            item=outcome.name,
            tier=tiers[outcome.name],
            reward_type=prize.kind.value,
            reward_value=prize.amount,
            reference=prize.reference,
            state=drawn.state,
            next_state=outcome.next_state,
        )


def _grants(wish: Wish, pulls: Sequence[Pull]) -> Iterator[Grant]:
    for pull in pulls:
        if pull.reward_type != NOTHING:
            reward = Reward(RewardType(pull.reward_type), pull.reward_value, pull.reference)
            yield Grant(wish.user_id, reward, REASON, derived_uuid("gacha", pull.draw_id))


def _made(wish: Wish, found: OddsNow, paid: Paid, pulls: Sequence[Pull], *, price: int, now: datetime) -> Opening:
    best = pulls[_best(found, pulls)]
    return Opening(
        id=0,
        user_id=wish.user_id,
        spin_count=wish.spins,
        result_type=best.reward_type,
        result_value=best.reward_value,
        timestamp=now,
        spin_id=wish.spin_id,
        product=wish.product,
        digest=found.odds.digest,
        price_gems=price,
        paid_gems=paid.paid_gems,
        balance_after=paid.balance,
        pulls=tuple(pulls),
        tx_id=paid.tx_id,
    )


def _best(found: OddsNow, pulls: Sequence[Pull]) -> int:
    things = [(thing.tier or "", thing.rate) for thing in found.odds.things]
    rates = rules.rates_of_tiers((tier, Fraction(rate.fraction)) for tier, rate in things if rate is not None)
    return rules.best_of([pull.tier for pull in pulls], rates)


def _told(made: Opening, found: OddsNow) -> GachaOpened:
    won = sum(pull.reward_value for pull in made.pulls if pull.reward_type == RewardType.GEM)
    tier = made.pulls[_best(found, made.pulls)].tier
    return GachaOpened(made.user_id, tier, Currency.GEM, made.price_gems, won, str(made.spin_id))


async def _keep(db: Db, desk: GachaDesk, made: Opening, standing: store.Standing, *, now: datetime) -> Opening:
    day = desk.rewards.wallet.actions.calendar.day_of(now)
    number = await store.add_opening(db, made, day=day, next_at=now + desk.pace)
    if standing.last_day is None or standing.last_day < day:
        await store.count_user(db, made.user_id, made.product, day=day)
    return replace(made, id=number)
