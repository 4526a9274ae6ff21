"""Shapes of requests and answers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from casino_club.features.games.rules.duels import Clock, Duel, DuelPolicy, DuelState, Move, Seat, left_us
from casino_club.features.games.rules.frequencies import Frequency, cold, hot
from casino_club.features.games.rules.pace import Pace
from casino_club.features.games.rules.results import Result, result_of
from casino_club.features.games.store.rounds import Bonus, Round
from casino_club.features.odds.public import Bet, Game
from casino_club.infra.http.routes import Id
from casino_club.kernel.clock import SECOND_US
from casino_club.kernel.money import AMOUNT_MAX, Currency

PAGE_ROWS_MAX = 200

Product = Annotated[str, Meta(min_length=1, max_length=40)]
Stake = Annotated[int, Meta(ge=1, le=AMOUNT_MAX)]
RoundId = Annotated[UUID, Meta(description="Yours and new for each round; the same whenever you send the round again.")]


class SpinIn(msgspec.Struct, forbid_unknown_fields=True):
    """A spin of a slot. A free one uses up a free spin that you hold, and takes neither stake nor currency."""

    round_id: RoundId
    stake: Annotated[Stake | None, Meta(description="100, unless you say otherwise.")] = None
    currency: Currency = Currency.COIN
    product: Product = "slot-orchard"
    free: bool = False


class BetIn(msgspec.Struct, forbid_unknown_fields=True):
    """A stake on something."""

    bet: Annotated[str, Meta(min_length=1, max_length=40)]
    stake: Stake


class RouletteIn(msgspec.Struct, forbid_unknown_fields=True):
    """A spin of the wheel, with all that is bet on it."""

    round_id: RoundId
    bets: Annotated[list[BetIn], Meta(min_length=1, max_length=50)]
    currency: Currency = Currency.COIN
    product: Product = "roulette-european"


class HiddenMoveQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Of which product."""

    product: Product = "rps-ai"


class HiddenMoveOut(msgspec.Struct, frozen=True):
    """The house has moved: SHA-256 of its move and a salt, which the round shows afterwards. Send it with your move."""

    product: str
    hidden: str


class RpsIn(msgspec.Struct, forbid_unknown_fields=True):
    """A move against the house's hidden one."""

    round_id: RoundId
    move: Move
    hidden: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}(?!\n)$", description="As it was published to you.")]
    stake: Stake = 100
    currency: Currency = Currency.COIN
    product: Product = "rps-ai"


class RoundOut(msgspec.Struct, frozen=True):
    """A round. `came` is where the reels or the wheel stopped, or the house's move; the receipt binds the house to it.

    Only `win` is more than was staked, and after a free spin more than it stands for, as `bets` say. `balance_after` is
    what could be spent of the currency then. `hidden` is what was published of the house's move, and `salt` proves it.
    `bonus` is a draw of its own, and no part of what was won; while it rests, plays go on without it.
    """

    round_id: UUID
    game: str
    product: str
    currency: Currency
    bets: Sequence[Bet]
    staked: int
    won: int
    result: Result
    came: str
    draw_id: int
    receipt: str
    balance_after: int
    played_at: datetime
    next_play_at: datetime
    hidden: str | None
    salt: str | None
    bonus: Bonus | None
    free: bool


DuelId = Annotated[UUID, Meta(description="Yours and new for each challenge; whoever knows it may join.")]
Salt = Annotated[str, Meta(pattern=r"^[0-9a-f]{32,64}(?!\n)$", description="16 to 32 random bytes of your app's.")]


class DuelIn(msgspec.Struct, forbid_unknown_fields=True):
    """A challenge. One that is not listed is for whoever is told its id."""

    duel_id: DuelId
    stake: Stake = 100
    currency: Currency = Currency.COIN
    is_listed: bool = True


class CommitmentIn(msgspec.Struct, forbid_unknown_fields=True):
    """A move, hidden: SHA-256 of the duel, the user, the move and a salt. It takes the stake."""

    commitment: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}(?!\n)$")]


class RevealIn(msgspec.Struct, forbid_unknown_fields=True):
    """The move and the salt that were committed to."""

    move: Move
    salt: Salt


class SeatOut(msgspec.Struct, frozen=True):
    """One side of a duel. The other's move and salt are shown once it is over, and prove its commitment then."""

    user_id: int
    commitment: str | None
    has_revealed: bool
    move: Move | None
    salt: str | None
    returned: int | None


class DuelOut(msgspec.Struct, frozen=True):
    """A duel as you see it. `you` is null for who is not in it.

    `seconds_left` of the step count only while the platform answers. `result` is null until the duel is over, and if it
    was called off.
    """

    duel_id: UUID
    state: DuelState
    currency: Currency
    stake: int
    is_listed: bool
    opened_at: datetime
    seconds_left: int | None
    over_at: datetime | None
    you: SeatOut | None
    opponent: SeatOut | None
    result: Result | None


class DuelsQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which of your duels."""

    cursor: Id | None = None
    limit: Annotated[int, Meta(ge=1, le=PAGE_ROWS_MAX)] = 50


class DuelsPage(msgspec.Struct, frozen=True):
    """Duels, the latest first. `next_cursor` is null at the end."""

    duels: list[DuelOut]
    next_cursor: int | None


class OpenDuelsQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which challenges."""

    currency: Currency | None = None
    limit: Annotated[int, Meta(ge=1, le=PAGE_ROWS_MAX)] = 50


class OpenDuelsOut(msgspec.Struct, frozen=True):
    """Challenges that wait for anybody, the latest first."""

    duels: list[DuelOut]


class RoundsQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which rounds."""

    game: Game | None = None
    cursor: Id | None = None
    limit: Annotated[int, Meta(ge=1, le=PAGE_ROWS_MAX)] = 50


class RoundsPage(msgspec.Struct, frozen=True):
    """Rounds, the latest first. `next_cursor` is null at the end."""

    rounds: list[RoundOut]
    next_cursor: int | None


class FrequenciesQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Of which wheel."""

    product: Product = "roulette-european"


class NoteOut(msgspec.Struct, frozen=True):
    """A sentence to be shown beside figures."""

    en: str
    ko: str


class FrequenciesOut(msgspec.Struct, frozen=True):
    """How often each number came in everybody's last spins. History, not forecast: show the note with it."""

    product: str
    spins: int
    note: NoteOut
    numbers: Sequence[Frequency]
    hot: Sequence[Frequency]
    cold: Sequence[Frequency]
    latest: Sequence[str]


class FreeCoinsOut(msgspec.Struct, frozen=True):
    """Free coins: how many, whether they can be taken now, from when on otherwise, and below how many coins."""

    coins: int
    is_due: bool
    next_at: datetime | None
    ceiling: int


class FreeCoinsTakenOut(msgspec.Struct, frozen=True):
    """What was taken, what can be spent now, and when there are more."""

    coins: int
    balance: int
    next_at: datetime


NOTE = NoteOut(
    "This is history, not a forecast: the wheel remembers nothing, and every number is as likely as before.",
    "지난 결과일 뿐 예측이 아닙니다. 룰렛은 지난 결과를 기억하지 않으며, 모든 숫자의 확률은 언제나 같습니다.",
)


def round_out(played: Round, pace: Pace) -> RoundOut:
    """A round, the same whenever it is asked for."""
    return RoundOut(
        played.round_id,
        played.game,
        played.product,
        played.currency,
        played.bets,
        played.staked,
        played.won,
        result_of(staked=sum(bet.stake for bet in played.bets), won=played.won),
        played.came,
        played.draw_id,
        played.receipt,
        played.balance_after,
        played.played_at,
        played.played_at + pace.of(played.game),
        played.hidden,
        played.salt,
        played.bonus,
        played.is_free,
    )


def frequencies_out(product: str, found: Sequence[Frequency], latest: Sequence[str]) -> FrequenciesOut:
    return FrequenciesOut(product, len(latest), NOTE, found, hot(found), cold(found), latest)


def duel_out(duel: Duel, user_id: int, clock: Clock, policy: DuelPolicy) -> DuelOut:
    """A duel for one of its users, or for somebody who may join."""
    you, opponent = duel.seat_of(user_id), duel.opponent_of(user_id)
    is_live = duel.state.is_live
    return DuelOut(
        *(duel.duel_id, duel.state, duel.currency, duel.stake, duel.is_listed, duel.opened_at),
        -(-left_us(duel, clock, policy) // SECOND_US) if is_live else None,
        duel.over_at,
        None if you is None else _seat_out(you, is_hidden=False),
        None if opponent is None else _seat_out(opponent, is_hidden=is_live),
        _duel_result(duel, you),
    )


def _seat_out(seat: Seat, *, is_hidden: bool) -> SeatOut:
    move, salt = (None, None) if is_hidden else (seat.move, seat.salt)
    return SeatOut(seat.user_id, seat.commitment, seat.move is not None, move, salt, seat.returned)


def _duel_result(duel: Duel, you: Seat | None) -> Result | None:
    if you is None or duel.state not in (DuelState.SETTLED, DuelState.TIMED_OUT):
        return None
    return result_of(staked=duel.stake, won=you.returned or 0)
