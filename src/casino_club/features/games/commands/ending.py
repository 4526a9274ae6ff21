"""How a duel ends: once, with what both staked given to one of them, or to each their own."""

from datetime import datetime

from casino_club.features.actions import public as actions
from casino_club.features.games.commands.desk import GameDesk, Till
from casino_club.features.games.commands.entering import PAID_TO
from casino_club.features.games.events import RpsPlayed
from casino_club.features.games.rules import duels as rules
from casino_club.features.games.rules.duels import Duel, DuelState, Ending, Seat
from casino_club.features.games.rules.results import result_of
from casino_club.features.games.store import answering
from casino_club.features.games.store import duels as store
from casino_club.features.protection import public as protection
from casino_club.features.protection.public import Admission, Occasion, ProtectionPolicy
from casino_club.features.wallet import public as wallet
from casino_club.features.wallet.public import Give, House, Key, Order, WalletPolicy
from casino_club.infra.db.database import Crossed, Db


async def lapse(db: Db, desk: GameDesk, duel: Duel, *, now: datetime) -> Duel:
    """End the duel, whose users are locked, if its time is up."""
    if not duel.state.is_live or rules.left_us(duel, await answering.clock(db), desk.duels):
        return duel
    return await end(db, desk.till, duel, rules.ending_when_late(duel), now=now)


async def forfeit(db: Db, till: Till, user_id: int, *, now: datetime) -> None:
    """End the duel of a user who is erased: what both staked is the other's, and nothing comes to who is gone."""
    seen = await store.live_duel_of(db, user_id)
    if seen is None:
        return
    await actions.lock_users(db, seen.users)
    duel = await store.live_duel_of(db, user_id)
    if duel != seen:
        raise Crossed("the duel has gone on meanwhile")

    opponent = seen.opponent_of(user_id)
    if opponent is not None and seen.state is DuelState.COMMITTED:
        ending = Ending(DuelState.TIMED_OUT, opponent.user_id)
    else:
        ending = Ending(DuelState.CALLED_OFF)

    await end(db, till, seen, ending, now=now, gone_id=user_id)


async def end(db: Db, till: Till, duel: Duel, ending: Ending, *, now: datetime, gone_id: int | None = None) -> Duel:
    """Pay out what was staked, tell the log of the play if it was one, and keep the end. Its users are locked."""
    assert duel.state.is_live, "a duel would end twice"
    over = rules.ended(duel, ending, now=now, gone_id=gone_id)
    # In the order in which everybody locks users.
    there = sorted((seat for seat in over.seats if seat.user_id != gone_id), key=lambda seat: seat.user_id)

    for seat in there:
        await _settle(db, over, seat, till.protection)
    for seat in there:
        await _pay(db, over, seat, ending, now=now, policy=till.wallet)
    await store.finish(db, over)

    if ending.state is not DuelState.CALLED_OFF:
        told = [_told(over, seat) for seat in there]
        await actions.append_all(db, told, at=now, policy=till.wallet.actions)
    return over


async def _settle(db: Db, duel: Duel, seat: Seat, policy: ProtectionPolicy) -> None:
    if seat.admitted_at is not None and seat.returned:
        admission = Admission(seat.user_id, Occasion.BET, duel.stake, duel.currency, seat.admitted_at)
        await protection.settle(db, admission, seat.returned, policy=policy)


async def _pay(db: Db, duel: Duel, seat: Seat, ending: Ending, *, now: datetime, policy: WalletPolicy) -> None:
    """Both stakes to the winner; without one each stake to where it came from, lot by lot."""
    if not seat.returned:
        return
    key = Key(f"duel_end:{seat.user_id}", duel.duel_id)
    if ending.winner_id is None:
        assert seat.stake_tx_id is not None, "a stake comes back that nobody took"
        posted = await wallet.correct(db, seat.stake_tx_id, key=key, now=now, policy=policy)
    else:
        gain = Give(PAID_TO[duel.currency], seat.returned, House.DUELS, f"duel:{duel.duel_id}")
        order = Order("duel_win", seat.user_id, (gain,))
        posted = await wallet.post(db, order, key=key, now=now, policy=policy, round_id=duel.duel_id)
    assert not posted.was_repeated, "a duel was paid out that nobody kept"


def _told(duel: Duel, seat: Seat) -> RpsPlayed:
    won = seat.returned or 0
    result = result_of(staked=duel.stake, won=won)
    return RpsPlayed(seat.user_id, result, duel.currency, duel.stake, won, str(duel.duel_id))
