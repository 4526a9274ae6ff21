"""The bonus draw: offered before a play, drawn on top of it from the published table, and given as any reward."""

from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from functools import lru_cache
from typing import Final

from casino_club.features.actions import public as actions
from casino_club.features.odds import public as odds
from casino_club.features.protection import public as protection
from casino_club.features.protection.public import Occasion
from casino_club.features.rewards.commands.granting import RewardPolicy, grant
from casino_club.features.rewards.rules import bonus as rules
from casino_club.features.rewards.rules.amounts import AmountPolicy
from casino_club.features.rewards.rules.bonus import BONUSES, Bonus, BonusTerms, Risk
from casino_club.features.rewards.rules.rewards import Grant, Granted, Reward, RewardType
from casino_club.features.rewards.store import bonus as store
from casino_club.infra.db.database import Db
from casino_club.kernel.clock import to_us
from casino_club.kernel.ids import derived_uuid
from casino_club.kernel.money import Currency

GIVEN: Final = frozenset(each.value for each in RewardType)
REASON: Final = "bonus"
Worth = tuple[tuple[Currency, int], ...]
"""What a bonus of each currency counts as beside a stake, in coins."""


@dataclass(frozen=True, slots=True)
class BonusOffer:
    """The bonus that comes with the user's next play, and how likely it is just now: not at all while it rests."""

    product: str
    digest: str
    cell: str
    chance: Fraction
    reward: Reward
    stake_min_coins: int
    is_resting: bool


@dataclass(frozen=True, slots=True)
class BonusDrawn:
    """A bonus draw, and what it gave. Of a bonus that rests nothing is drawn."""

    user_id: int
    offer: BonusOffer
    drawn: odds.Result | None
    granted: Granted | None = None

    async def give(self, db: Db, *, now: datetime, policy: RewardPolicy) -> "BonusDrawn":
        """Give what it gave. The play's stake is paid by then, so that the bonus can't pay for it."""
        prize = None if self.drawn is None else self.drawn.outcome.prize
        if self.drawn is None or prize is None or prize.kind.value not in GIVEN:
            return self
        reward = Reward(RewardType(prize.kind), prize.amount, prize.reference)
        wanted = Grant(self.user_id, reward, REASON, derived_uuid("bonus", self.drawn.draw_id))
        return replace(self, granted=await grant(db, wanted, now=now, policy=policy))


@dataclass(frozen=True, slots=True)
class PlayDrawn:
    """What a play drew, and the bonus on top of it, if one was offered. Nothing is given yet."""

    main: odds.Result
    bonus: BonusDrawn | None


async def set_bonus_terms(db: Db, user_id: int, *, level: int, risk: str, now: datetime) -> None:
    """What the bonus of this user follows from now on."""
    assert 0 <= level <= rules.LEVEL_MAX, level
    await store.set_terms(db, user_id, BonusTerms(level, Risk(risk)), now=now)


async def bonus_chance(
    db: Db, desk: odds.OddsDesk, product: str, user_id: int, *, now: datetime, policy: RewardPolicy
) -> BonusOffer | None:
    """The bonus on the user's next play of this game; None if there is none, or none for them.

    There is none either where game and bonus together would give back more than they may.
    """
    bonus = BONUSES.get(product)
    if bonus is None:
        return None
    await actions.lock_users(db, [user_id])
    try:
        await protection.admit(db, user_id, Occasion.BONUS, now=now, policy=policy.protection)
    except protection.Vetoed:
        return None

    opening = await odds.open_draws(db, desk, user_id, [product, bonus.product], now=now, is_locked=False)
    game, extra = await opening.odds(db, product), await opening.odds(db, bonus.product)
    return await _offered(db, user_id, bonus, game, extra, now=now, policy=policy)


async def _offered(
    db: Db,
    user_id: int,
    bonus: Bonus,
    game: odds.OddsNow,
    extra: odds.OddsNow,
    *,
    now: datetime,
    policy: RewardPolicy,
) -> BonusOffer | None:
    if not _is_bearable(game, extra, bonus, tuple(policy.amounts.worth_coins.items())):
        return None
    gap_us = policy.wallet.actions.streak_gap_us
    terms, streak = await store.terms_and_streak(db, user_id, at_us=to_us(now), gap_us=gap_us)
    return _offer(extra, bonus, rules.cell_of(terms, streak))


@lru_cache(maxsize=64)
def _is_bearable(game: odds.OddsNow, extra: odds.OddsNow, bonus: Bonus, worth: Worth) -> bool:
    """Kept, for every play asks."""
    rtp_max = game.odds.rtp_max
    assert rtp_max is not None, f"{game.odds.product} has no stakes"
    return rules.most_back(Fraction(rtp_max.fraction), _richest(extra, worth), bonus) <= rules.BACK_MAX


def _richest(extra: odds.OddsNow, worth: Worth) -> Fraction:
    """What the bonus is worth in its best cell."""
    coins = {each.value: amount for each, amount in worth}
    prizes = [each.prize for each in extra.odds.things]
    worths = [prize.amount * coins.get(prize.kind.value, 0) if prize else 0 for prize in prizes]
    return max(
        sum((Fraction(rate.fraction) * amount for rate, amount in zip(state.rates, worths, strict=True)), Fraction())
        for state in extra.odds.states
    )


@lru_cache(maxsize=2_048)
def _offer(extra: odds.OddsNow, bonus: Bonus, cell: str) -> BonusOffer:
    state = next(each for each in extra.odds.states if each.cell == cell)
    prize = next(each.prize for each in extra.odds.things if each.prize and each.prize.kind.value in GIVEN)
    reward = Reward(RewardType(prize.kind), prize.amount, prize.reference)
    chance = Fraction(0) if extra.is_resting else Fraction(state.hit_rate.fraction)
    return BonusOffer(bonus.product, extra.odds.digest, cell, chance, reward, bonus.stake_min_coins, extra.is_resting)


async def draw_with_bonus(
    db: Db,
    desk: odds.OddsDesk,
    wanted: odds.Wanted,
    admission: protection.Admission,
    *,
    now: datetime,
    policy: RewardPolicy,
) -> PlayDrawn:
    """Draw a play that was admitted, and its bonus behind it. The log, which moves the streak, is told afterwards.

    There is no bonus if the stake is too small for one, or none was offered.
    """
    bonus = BONUSES.get(wanted.product)
    if bonus is None or not admission.lets_bonus or not _is_enough(bonus, admission, policy.amounts):
        return PlayDrawn(await odds.draw(db, desk, wanted, now=now), None)

    opening = await odds.open_draws(db, desk, wanted.user_id, [wanted.product, bonus.product], now=now)
    game, extra = await opening.odds(db, wanted.product), await opening.odds(db, bonus.product)
    offer = await _offered(db, wanted.user_id, bonus, game, extra, now=now, policy=policy)
    on_top = [] if offer is None or offer.is_resting else [odds.Wanted(offer.product, wanted.user_id, cell=offer.cell)]
    main, *drawn = await opening.draw(db, [wanted, *on_top], now=now)
    bonus_drawn = None if offer is None else BonusDrawn(wanted.user_id, offer, drawn[0] if drawn else None)
    return PlayDrawn(main, bonus_drawn)


def _is_enough(bonus: Bonus, admission: protection.Admission, amounts: AmountPolicy) -> bool:
    assert admission.currency is not None, "a play has a currency"
    return rules.is_enough(bonus, admission.amount, admission.currency, amounts.worth_coins)
