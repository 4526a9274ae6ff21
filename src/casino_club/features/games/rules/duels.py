"""Rock, paper, scissors between two users: where a duel stands, when its time is up, and who gets what.

Time is that of the answering clock, which runs only while the platform answers: nobody loses because of us.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from casino_club.features.games.rules import refusals
from casino_club.kernel.clock import MICROSECOND
from casino_club.kernel.fields import fields
from casino_club.kernel.money import Currency

MOVE_TAG: Final = "casino-club/duel-move/1"


class Move(StrEnum):
    """Rock beats scissors, scissors beat paper, paper beats rock."""

    ROCK = "rock"
    PAPER = "paper"
    SCISSORS = "scissors"


BEATEN_BY: Final = {Move.ROCK: Move.PAPER, Move.PAPER: Move.SCISSORS, Move.SCISSORS: Move.ROCK}


class DuelState(StrEnum):
    """How far a duel is. The last three are ends."""

    OPEN = "open"
    """One seat is free; nothing is staked."""
    JOINED = "joined"
    """Both are there, and commit to a move each; who has committed has staked."""
    COMMITTED = "committed"
    """Both have staked, and reveal."""
    SETTLED = "settled"
    """Both have revealed."""
    TIMED_OUT = "timed_out"
    """One has revealed, and the other had time enough."""
    CALLED_OFF = "called_off"
    """Whoever had staked has it back."""

    @property
    def is_live(self) -> bool:
        return self in (DuelState.OPEN, DuelState.JOINED, DuelState.COMMITTED)


class Clock(NamedTuple):
    """How long the platform has answered in all, and how long it had when it last came back from an outage."""

    answered_us: int
    resumed_us: int


@dataclass(frozen=True, slots=True)
class DuelPolicy:
    """How long a challenge stands, how long each step may take, and what may be staked at most."""

    open_lasts: timedelta
    step_lasts: timedelta
    stake_max: int

    def lasts_us(self, state: DuelState) -> int:
        return (self.open_lasts if state is DuelState.OPEN else self.step_lasts) // MICROSECOND


@dataclass(frozen=True, slots=True)
class Seat:
    """One side of a duel. What is None has not happened."""

    user_id: int
    commitment: str | None = None
    admitted_at: datetime | None = None
    stake_tx_id: int | None = None
    move: Move | None = None
    salt: str | None = None
    returned: int | None = None
    """What came back of all that was staked."""


@dataclass(frozen=True, slots=True)
class Duel:
    """A duel, whole. The first seat is the challenger's."""

    number: int
    duel_id: UUID
    state: DuelState
    currency: Currency
    stake: int
    is_listed: bool
    opened_at: datetime
    due_us: int
    """On the answering clock."""
    over_at: datetime | None
    seats: tuple[Seat, ...]

    @property
    def users(self) -> tuple[int, ...]:
        return tuple(seat.user_id for seat in self.seats)

    def seat_of(self, user_id: int) -> Seat | None:
        return next((seat for seat in self.seats if seat.user_id == user_id), None)

    def opponent_of(self, user_id: int) -> Seat | None:
        return next((seat for seat in self.seats if seat.user_id != user_id), None)

    @property
    def has_all_committed(self) -> bool:
        return len(self.seats) == 2 and all(seat.commitment for seat in self.seats)

    @property
    def has_all_revealed(self) -> bool:
        return len(self.seats) == 2 and all(seat.move for seat in self.seats)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a duel ends. Without a winner everybody who staked gets their own stake back."""

    state: DuelState
    winner_id: int | None = None


def commitment_of(duel_id: UUID, user_id: int, move: Move, salt: str) -> str:
    """What binds a user to a move. It holds who moves and where, so that somebody else's is of no use."""
    return hashlib.sha256(fields(MOVE_TAG, str(duel_id), str(user_id), move, salt)).hexdigest()


def check_reveal(duel: Duel, seat: Seat, move: Move, salt: str) -> None:
    """Raises `RevealMismatch` unless this is what the user committed to."""
    if seat.commitment != commitment_of(duel.duel_id, seat.user_id, move, salt):
        raise refusals.RevealMismatch


def left_us(duel: Duel, clock: Clock, policy: DuelPolicy) -> int:
    """How much longer the platform has to answer before the step's time is up; all of it again after an outage."""
    due_us = max(duel.due_us, clock.resumed_us + policy.lasts_us(duel.state))
    return max(0, due_us - clock.answered_us)


def ending_when_late(duel: Duel) -> Ending:
    """What becomes of a duel whose time is up."""
    revealed = [seat.user_id for seat in duel.seats if seat.move]
    if len(revealed) == 1:
        return Ending(DuelState.TIMED_OUT, revealed[0])
    return Ending(DuelState.CALLED_OFF)


def ending_when_revealed(duel: Duel) -> Ending:
    """What both moves come to."""
    one, other = duel.seats
    assert one.move, "a duel was settled before both moves were known"
    if one.move is other.move:
        return Ending(DuelState.SETTLED)
    return Ending(DuelState.SETTLED, other.user_id if BEATEN_BY[one.move] is other.move else one.user_id)


def ended(duel: Duel, ending: Ending, *, now: datetime, gone_id: int | None = None) -> Duel:
    """The duel once it has ended so. The stake of who is gone stays where it is, unless the other has won it."""
    seats = tuple(
        replace(
            seat, returned=None if seat.user_id == gone_id and not ending.winner_id else _returned(duel, seat, ending)
        )
        for seat in duel.seats
    )
    return replace(duel, state=ending.state, over_at=now, seats=seats)


def _returned(duel: Duel, seat: Seat, ending: Ending) -> int:
    """What this user gets. Nothing is kept by the house."""
    if ending.winner_id is None:
        return duel.stake if seat.stake_tx_id else 0
    return 2 * duel.stake if seat.user_id == ending.winner_id else 0
