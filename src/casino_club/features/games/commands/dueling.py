"""Rock, paper, scissors between two users: a challenge, a seat, two commitments with the stakes, two moves, one end.

Every command locks both users first, and may be sent again: the second time it shows what became of the first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from casino_club.features.actions import public as actions
from casino_club.features.games.commands.desk import GameDesk
from casino_club.features.games.commands.ending import end, lapse
from casino_club.features.games.commands.entering import check_age, pockets_for
from casino_club.features.games.rules import duels as rules
from casino_club.features.games.rules import refusals
from casino_club.features.games.rules.duels import Duel, DuelState, Ending, Move, Seat
from casino_club.features.games.rules.pace import check_pace
from casino_club.features.games.store import answering
from casino_club.features.games.store import duels as store
from casino_club.features.odds.public import Game
from casino_club.features.protection import public as protection
from casino_club.features.protection.public import Occasion
from casino_club.features.wallet import public as wallet
from casino_club.features.wallet.public import House, InsufficientFunds, Key, Order, Take
from casino_club.infra.db.database import Crossed, Db
from casino_club.kernel.money import Currency


@dataclass(frozen=True, slots=True)
class Challenge:
    """A duel that somebody wants to open. Its id is theirs to make, and the duel's for ever."""

    duel_id: UUID
    user_id: int
    currency: Currency
    stake: int
    is_listed: bool


async def challenge(db: Db, desk: GameDesk, wanted: Challenge, *, now: datetime) -> Duel:
    """Open a duel, once. Nothing is staked yet."""
    await actions.lock_users(db, [wanted.user_id])
    found = await store.duel(db, wanted.duel_id)
    if found is not None:
        return _same(found, wanted)
    await _check_may_enter(db, desk, wanted.user_id, wanted.currency, wanted.stake)

    due_us = await _due_us(db, desk, DuelState.OPEN)
    await store.open_duel(
        db,
        *(wanted.duel_id, wanted.user_id, wanted.currency, wanted.stake),
        is_listed=wanted.is_listed,
        due_us=due_us,
        at=now,
    )
    return await _again(db, wanted.duel_id)


def _same(found: Duel, wanted: Challenge) -> Duel:
    first = Challenge(found.duel_id, found.users[0], found.currency, found.stake, found.is_listed)
    if first != wanted:
        raise refusals.DuelReused
    return found


async def join(db: Db, desk: GameDesk, duel_id: UUID, user_id: int, *, now: datetime) -> Duel:
    """Take the free seat; of several at once one gets it. Nothing is staked yet."""
    duel = await _enter(db, duel_id, [user_id])
    if duel.users[1:] == (user_id,):
        return duel
    if duel.users[0] == user_id:
        raise refusals.DuelOwn
    if duel.state is not DuelState.OPEN or not (await lapse(db, desk, duel, now=now)).state.is_live:
        raise refusals.DuelTaken
    await _check_may_enter(db, desk, user_id, duel.currency, duel.stake)

    await store.join_duel(db, duel, user_id, due_us=await _due_us(db, desk, DuelState.JOINED))
    return await _again(db, duel_id)


async def commit_to(db: Db, desk: GameDesk, duel_id: UUID, user_id: int, commitment: str, *, now: datetime) -> Duel:
    """Commit to a move, and stake. From the second commitment on the duel is played to its end."""
    duel, seat = await _enter_own(db, duel_id, user_id)
    if seat.commitment not in (None, commitment):
        raise refusals.CommitmentMade
    duel = await lapse(db, desk, duel, now=now)
    if seat.commitment or not duel.state.is_live:
        return duel
    if duel.state is DuelState.OPEN:
        raise refusals.DuelNotJoined
    check_pace(await store.next_play_at(db, user_id), now)

    committed = replace(seat, commitment=commitment)
    await _stake(db, desk, duel, committed, now=now)
    await store.pace(db, [user_id], until=now + desk.pace.of(Game.RPS))

    duel = await _again(db, duel_id)
    if duel.has_all_committed:
        await store.all_committed(db, duel, due_us=await _due_us(db, desk, DuelState.COMMITTED))
    return await _again(db, duel_id)


async def _stake(db: Db, desk: GameDesk, duel: Duel, seat: Seat, *, now: datetime) -> None:
    """Let the user bet, and keep the stake where neither of them has it."""
    pockets = pockets_for(desk, Game.RPS, duel.currency)
    await check_age(db, desk, seat.user_id)
    admission = await protection.admit(
        db,
        *(seat.user_id, Occasion.BET, duel.stake),
        currency=duel.currency,
        now=now,
        policy=desk.protection,
    )
    posted = await wallet.post(
        db,
        Order("duel_stake", seat.user_id, (Take(duel.currency, duel.stake, House.DUELS, pockets),)),
        key=Key(f"duel_stake:{seat.user_id}", duel.duel_id),
        now=now,
        policy=desk.wallet,
        round_id=duel.duel_id,
    )
    assert not posted.was_repeated, "a stake was taken that nobody kept"
    await store.commit_to(db, duel, replace(seat, admitted_at=admission.at, stake_tx_id=posted.tx_id))


async def reveal(db: Db, desk: GameDesk, duel_id: UUID, user_id: int, *, move: Move, salt: str, now: datetime) -> Duel:
    """Show the move. The second one settles the duel."""
    duel, seat = await _enter_own(db, duel_id, user_id)
    if seat.commitment:
        rules.check_reveal(duel, seat, move, salt)
    duel = await lapse(db, desk, duel, now=now)
    if seat.move or not duel.state.is_live:
        return duel
    if duel.state is not DuelState.COMMITTED:
        raise refusals.CommitmentsMissing

    await store.reveal(db, duel, replace(seat, move=move, salt=salt))

    duel = await _again(db, duel_id)
    if duel.has_all_revealed:
        return await end(db, desk.till, duel, rules.ending_when_revealed(duel), now=now)
    return duel


async def leave(db: Db, desk: GameDesk, duel_id: UUID, user_id: int, *, now: datetime) -> Duel:
    """Call the duel off, as long as not both have staked."""
    duel, _ = await _enter_own(db, duel_id, user_id)
    duel = await lapse(db, desk, duel, now=now)
    if not duel.state.is_live:
        return duel
    if duel.state is DuelState.COMMITTED:
        raise refusals.DuelRunning

    return await end(db, desk.till, duel, Ending(DuelState.CALLED_OFF), now=now)


async def lapse_late(db: Db, desk: GameDesk, duel_id: UUID, *, now: datetime) -> None:
    """End a duel if its time is up."""
    await lapse(db, desk, await _enter(db, duel_id, []), now=now)


async def shown(db: Db, duel_id: UUID, user_id: int) -> Duel:
    """A duel as its two users may see it, and anybody else as long as it is open. Raises `DuelMissing`."""
    duel = await store.duel(db, duel_id)
    if duel is None or (user_id not in duel.users and duel.state is not DuelState.OPEN):
        raise refusals.DuelMissing
    return duel


async def _enter(db: Db, duel_id: UUID, users: Sequence[int]) -> Duel:
    """Lock these users and those of the duel. Raises `DuelMissing`."""
    seen = await store.duel(db, duel_id)
    if seen is None:
        raise refusals.DuelMissing
    await actions.lock_users(db, {*users, *seen.users})
    duel = await _again(db, duel_id)
    if not set(duel.users) <= {*users, *seen.users} and set(users) <= set(duel.users):
        raise Crossed("somebody has joined meanwhile")
    return duel


async def _enter_own(db: Db, duel_id: UUID, user_id: int) -> tuple[Duel, Seat]:
    duel = await _enter(db, duel_id, [user_id])
    seat = duel.seat_of(user_id)
    if seat is None:
        raise refusals.DuelMissing
    return duel, seat


async def _again(db: Db, duel_id: UUID) -> Duel:
    duel = await store.duel(db, duel_id)
    assert duel is not None, "a duel has vanished"
    return duel


async def _due_us(db: Db, desk: GameDesk, state: DuelState) -> int:
    return (await answering.clock(db)).answered_us + desk.duels.lasts_us(state)


async def _check_may_enter(db: Db, desk: GameDesk, user_id: int, currency: Currency, stake: int) -> None:
    """Raises what would stand against the stake in any case, so that nobody waits for somebody who can't play."""
    if stake > desk.duels.stake_max:
        raise refusals.StakeTooHigh(desk.duels.stake_max)
    pockets = pockets_for(desk, Game.RPS, currency)
    await check_age(db, desk, user_id)
    if await store.live_duel_of(db, user_id) is not None:
        raise refusals.InDuel
    held = await wallet.held_by(db, user_id)
    available = sum(held[pocket] for pocket in pockets)
    if available < stake:
        raise InsufficientFunds(currency, wanted=stake, available=available)
