"""Playing a round: admitted, drawn, paid, kept and told to the log in one transaction, or nothing of it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from casino_club.features.actions import public as actions
from casino_club.features.games.commands.desk import GameDesk
from casino_club.features.games.commands.entering import PAID_TO, check_age, pockets_for
from casino_club.features.games.events import RouletteSpun, RpsPlayed, SlotSpun
from casino_club.features.games.rules.pace import check_pace
from casino_club.features.games.rules.products import check_product
from casino_club.features.games.rules.refusals import RoundReused
from casino_club.features.games.rules.results import result_of
from casino_club.features.games.store import rounds
from casino_club.features.games.store.rounds import Bonus, Round
from casino_club.features.odds.public import Bet, Game, Result, Wanted
from casino_club.features.protection import public as protection
from casino_club.features.protection.public import Admission, Occasion
from casino_club.features.rewards import public as rewards
from casino_club.features.rewards.public import BonusDrawn
from casino_club.features.wallet import public as wallet
from casino_club.features.wallet.public import Give, House, Key, Order, Pocket, Take
from casino_club.infra.db.database import Db
from casino_club.kernel.money import Currency


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
    is_free: bool = False
    """Whether a free spin pays for it: the bets say what it stands for, and nothing of the user's is staked."""

    @property
    def worth(self) -> int:
        return sum(bet.stake for bet in self.bets)

    @property
    def staked(self) -> int:
        return 0 if self.is_free else self.worth


@dataclass(frozen=True, slots=True)
class Paid:
    """The transaction that settled a round, and what can be spent of its currency then."""

    tx_id: int
    balance: int


async def play(db: Db, desk: GameDesk, wanted: Play, *, now: datetime) -> Round:
    """Play a round once. The same again gives the same round; another one under its id is refused."""
    locked = await actions.lock_users(db, [wanted.user_id])
    standing = await rounds.standing_of(db, wanted.user_id, wanted.round_id)
    if standing.round is not None:
        return _same(standing.round, wanted)
    check_pace(standing.next_play_at, now)
    check_product(wanted.game, wanted.product)
    pockets = pockets_for(desk, wanted.game, wanted.currency)
    await check_age(db, desk, wanted.user_id)

    admission = await _admit(db, desk, wanted, now=now)
    if wanted.is_free:
        await rewards.use_free_spin(db, wanted.user_id, wanted.product)
    made = await rewards.draw_with_bonus(db, desk.odds, _draw(wanted), admission, now=now, policy=desk.rewards)
    drawn = made.main
    await protection.settle(db, admission, drawn.outcome.returned, policy=desk.protection)

    paid = await _pay(db, desk, wanted, pockets, drawn, now=now)
    bonus = None if made.bonus is None else _kept(await made.bonus.give(db, now=now, policy=desk.rewards))
    known, log = locked[wanted.user_id], desk.wallet.actions
    await actions.append(db, _told(wanted, drawn), at=now, policy=log, known=known)
    return await _keep(db, desk, wanted, drawn, paid, bonus, now=now)


def _same(played: Round, wanted: Play) -> Round:
    """What a free spin stands for is the operator's, who may have changed it since."""
    bets = played.bets if played.is_free else wanted.bets
    before = (played.product, played.currency, played.bets, played.hidden, played.is_free)
    if before != (wanted.product, wanted.currency, bets, wanted.hidden, wanted.is_free):
        raise RoundReused
    return played


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
) -> Paid:
    """Take the stake and give the return. Raises `InsufficientFunds`, whatever was drawn."""
    order = Order(
        "free_spin" if wanted.is_free else f"{wanted.game}_round",
        wanted.user_id,
        tuple(_moves(wanted, pockets, won=drawn.outcome.returned)),
    )
    posted = await wallet.post(
        db,
        order,
        key=Key(f"round:{wanted.user_id}", wanted.round_id),
        now=now,
        policy=desk.wallet,
        round_id=wanted.round_id,
    )
    assert not posted.was_repeated, "a round was paid that nobody kept"
    return Paid(posted.tx_id, posted.balance(wanted.currency))


def _moves(wanted: Play, pockets: tuple[Pocket, ...], *, won: int) -> Iterator[Take | Give]:
    """The stake of a free spin is the house's gift, so that games come out in the ledger as their tables say."""
    pocket, origin = PAID_TO[wanted.currency], f"round:{wanted.round_id}"
    if wanted.is_free:
        yield Give(pocket, wanted.worth, House.GRANTS, origin)
    yield Take(wanted.currency, wanted.worth, House.GAMES, pockets)
    if won:
        yield Give(pocket, won, House.GAMES, origin)


def _kept(found: BonusDrawn) -> Bonus:
    """The bonus as the round keeps it."""
    offer, drawn = found.offer, found.drawn
    shown = (offer.product, offer.digest, offer.cell, str(offer.chance))
    if drawn is None:
        return Bonus(*shown, None, None, is_resting=True)
    bonus = Bonus(*shown, drawn.draw_id, drawn.receipt)
    if found.granted is None:
        return bonus
    given = found.granted.reward
    return replace(bonus, reward_type=given.type, reward_value=given.value, reference=given.reference)


def _told(wanted: Play, drawn: Result) -> actions.Event:
    result = result_of(staked=wanted.worth, won=drawn.outcome.returned)
    amounts = (wanted.currency, wanted.staked, drawn.outcome.returned, str(wanted.round_id))
    if wanted.game is Game.SLOT:
        return SlotSpun(wanted.user_id, result, *amounts)
    if wanted.game is Game.RPS:
        return RpsPlayed(wanted.user_id, result, *amounts)
    return RouletteSpun(wanted.user_id, drawn.outcome.name, *amounts)


async def _keep(
    db: Db, desk: GameDesk, wanted: Play, drawn: Result, paid: Paid, bonus: Bonus | None, *, now: datetime
) -> Round:
    played = Round(
        id=0,
        user_id=wanted.user_id,
        round_id=wanted.round_id,
        game=wanted.game,
        product=wanted.product,
        currency=wanted.currency,
        bets=wanted.bets,
        staked=wanted.staked,
        won=drawn.outcome.returned,
        came=drawn.outcome.name,
        draw_id=drawn.draw_id,
        tx_id=paid.tx_id,
        receipt=drawn.receipt,
        balance_after=paid.balance + _bonus_in(wanted.currency, bonus),
        played_at=now,
        hidden=wanted.hidden,
        salt=drawn.salt,
        bonus=bonus,
        is_free=wanted.is_free,
    )
    number = await rounds.add_round(db, played, next_play_at=now + desk.pace.of(wanted.game))
    return replace(played, id=number)


def _bonus_in(currency: Currency, bonus: Bonus | None) -> int:
    """How much of the currency that was played for came with the bonus."""
    return (bonus.reward_value or 0) if bonus is not None and bonus.reward_type == currency else 0
