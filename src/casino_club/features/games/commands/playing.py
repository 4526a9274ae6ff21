"""Playing a round: admitted, drawn, paid, kept and told to the log in one transaction, or nothing of it."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from casino_club.features.actions import public as actions
from casino_club.features.games.commands.desk import GameDesk
from casino_club.features.games.events import RouletteSpun, RpsPlayed, SlotSpun
from casino_club.features.games.rules.pace import check_pace
from casino_club.features.games.rules.products import check_product
from casino_club.features.games.rules.refusals import AgeUnproven, RoundReused
from casino_club.features.games.rules.results import result_of
from casino_club.features.games.store import rounds
from casino_club.features.games.store.rounds import Bonus, Round
from casino_club.features.identity import public as identity
from casino_club.features.odds import public as odds
from casino_club.features.odds.public import Bet, Game, Result, Wanted
from casino_club.features.protection import public as protection
from casino_club.features.protection.public import Admission, Occasion
from casino_club.features.rewards import public as rewards
from casino_club.features.wallet import public as wallet
from casino_club.features.wallet.public import Give, House, Key, Order, Pocket, Posted, Take
from casino_club.infra.db.database import Db
from casino_club.kernel.money import Currency

PAID_TO = {Currency.COIN: Pocket.COINS, Currency.CYBER_TOKEN: Pocket.APP_TOKENS}
"""Where winnings go."""


@dataclass(frozen=True, slots=True)
class Play:
    """A round that somebody wants to play. Its id is the user's own, and the round's for ever."""

    user_id: int
    round_id: UUID
    game: Game
    product: str
    currency: Currency
    bets: tuple[Bet, ...]
    hidden: str | None = None
    """What was published of the move that the user plays against."""

    @property
    def staked(self) -> int:
        return sum(bet.stake for bet in self.bets)


async def play(db: Db, desk: GameDesk, wanted: Play, *, now: datetime) -> Round:
    """Play a round once. The same again gives the same round; another one under its id is refused."""
    await actions.lock_users(db, [wanted.user_id])
    standing = await rounds.standing_of(db, wanted.user_id, wanted.round_id)
    if standing.round is not None:
        return _same(standing.round, wanted)
    check_pace(standing.next_play_at, now)
    pockets = _pockets(desk, wanted)
    await _check_age(db, desk, wanted.user_id)

    admission = await _admit(db, desk, wanted, now=now)
    drawn = await odds.draw(db, desk.odds, _draw(wanted), now=now)
    await protection.settle(db, admission, drawn.outcome.returned, policy=desk.protection)

    posted = await _pay(db, desk, wanted, pockets, drawn, now=now)
    bonus = await _bonus(db, desk, wanted, now=now)
    await actions.append(db, _told(wanted, drawn), at=now, policy=desk.wallet.actions)
    return await _keep(db, desk, wanted, drawn, posted, bonus, now=now)


def _same(played: Round, wanted: Play) -> Round:
    before = (played.product, played.currency, played.bets, played.hidden)
    if before != (wanted.product, wanted.currency, wanted.bets, wanted.hidden):
        raise RoundReused
    return played


def _pockets(desk: GameDesk, wanted: Play) -> tuple[Pocket, ...]:
    """Those that may pay for it in this market."""
    check_product(wanted.game, wanted.product)
    offered = [each.name.lower() for each in Pocket if each.currency is wanted.currency]
    return tuple(Pocket[name.upper()] for name in odds.admitted(desk.market, wanted.game, offered))


async def _check_age(db: Db, desk: GameDesk, user_id: int) -> None:
    years = desk.market.play_age_years_min
    if years and not await identity.is_of_age(db, user_id):
        raise AgeUnproven(years)


async def _admit(db: Db, desk: GameDesk, wanted: Play, *, now: datetime) -> Admission:
    return await protection.admit(
        db,
        wanted.user_id,
        Occasion.BET,
        wanted.staked,
        currency=wanted.currency,
        now=now,
        policy=desk.protection,
    )


def _draw(wanted: Play) -> Wanted:
    return Wanted(wanted.product, wanted.user_id, wanted.bets, wanted.currency, hidden=wanted.hidden)


async def _pay(
    db: Db, desk: GameDesk, wanted: Play, pockets: tuple[Pocket, ...], drawn: Result, *, now: datetime
) -> Posted:
    """Take the stake and give the return. Raises `InsufficientFunds`, whatever was drawn."""
    won = drawn.outcome.returned
    stake = Take(wanted.currency, wanted.staked, House.GAMES, pockets)
    gain = Give(PAID_TO[wanted.currency], won, House.GAMES, f"round:{wanted.round_id}") if won else None
    order = Order(f"{wanted.game}_round", wanted.user_id, (stake,) if gain is None else (stake, gain))
    posted = await wallet.post(
        db,
        order,
        key=Key(f"round:{wanted.user_id}", wanted.round_id),
        now=now,
        policy=desk.wallet,
        round_id=wanted.round_id,
    )
    assert not posted.was_repeated, "a round was paid that nobody kept"
    return posted


async def _bonus(db: Db, desk: GameDesk, wanted: Play, *, now: datetime) -> Bonus | None:
    """What comes on top. It is drawn once the stake is paid, so that it can't pay for it."""
    found = await rewards.draw_bonus(
        db,
        desk.odds,
        wanted.product,
        wanted.user_id,
        stake=wanted.staked,
        currency=wanted.currency,
        now=now,
        policy=desk.rewards,
    )
    if found is None:
        return None
    offer, drawn = found.offer, found.drawn
    bonus = Bonus(offer.product, offer.digest, offer.cell, str(offer.chance), drawn.draw_id, drawn.receipt)
    if found.granted is None:
        return bonus
    given = found.granted.reward
    return replace(bonus, reward_type=given.type, reward_value=given.value, reference=given.reference)


def _told(wanted: Play, drawn: Result) -> actions.Event:
    result = result_of(staked=wanted.staked, won=drawn.outcome.returned)
    amounts = (wanted.currency, wanted.staked, drawn.outcome.returned, str(wanted.round_id))
    if wanted.game is Game.SLOT:
        return SlotSpun(wanted.user_id, result, *amounts)
    if wanted.game is Game.RPS:
        return RpsPlayed(wanted.user_id, result, *amounts)
    return RouletteSpun(wanted.user_id, drawn.outcome.name, *amounts)


async def _keep(
    db: Db, desk: GameDesk, wanted: Play, drawn: Result, posted: Posted, bonus: Bonus | None, *, now: datetime
) -> Round:
    played = Round(
        id=0,
        user_id=wanted.user_id,
        round_id=wanted.round_id,
        game=wanted.game,
        product=wanted.product,
        currency=wanted.currency,
        bets=wanted.bets,
        staked=drawn.staked,
        won=drawn.outcome.returned,
        came=drawn.outcome.name,
        draw_id=drawn.draw_id,
        tx_id=posted.tx_id,
        receipt=drawn.receipt,
        balance_after=posted.balance(wanted.currency) + _bonus_in(wanted.currency, bonus),
        played_at=now,
        hidden=wanted.hidden,
        salt=drawn.salt,
        bonus=bonus,
    )
    number = await rounds.add_round(db, played, next_play_at=now + desk.pace.of(wanted.game))
    return replace(played, id=number)


def _bonus_in(currency: Currency, bonus: Bonus | None) -> int:
    """How much of the currency that was played for came with the bonus."""
    return (bonus.reward_value or 0) if bonus is not None and bonus.reward_type == currency else 0
