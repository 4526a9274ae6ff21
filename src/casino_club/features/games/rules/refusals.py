"""Everything that this slice may refuse. Nothing was staked then, drawn or given."""

from math import ceil

from casino_club.kernel.errors import Kind, Refused


class RoundMissing(Refused):
    code = "round_missing"
    kind = Kind.MISSING

    def __init__(self) -> None:
        super().__init__("You have played no round of this id.")


class RoundReused(Refused):
    code = "round_reused"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("This id is that of another round of yours; send a new one.")


class RoundTooSoon(Refused):
    """A round lasts as long as its game says, however fast it is asked for."""

    code = "round_too_soon"
    kind = Kind.LIMITED

    def __init__(self, seconds: float) -> None:
        self.retry_after_seconds = ceil(seconds)
        super().__init__(f"Your last round goes on for {seconds:.1f} seconds; nothing was staked.")


class FreeSpinStakes(Refused):
    code = "free_spin_stakes"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("A free spin stakes nothing: leave stake and currency out.")


class OtherGame(Refused):
    code = "other_game"
    kind = Kind.INVALID

    def __init__(self, game: str) -> None:
        super().__init__(f"Products of this game have names that begin with {game}-.")


class DuelMissing(Refused):
    code = "duel_missing"
    kind = Kind.MISSING

    def __init__(self) -> None:
        super().__init__("There is no duel of this id that you may see.")


class DuelReused(Refused):
    code = "duel_reused"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("This id is that of another duel; send a new one.")


class DuelTaken(Refused):
    """Of several who want the free seat one gets it."""

    code = "duel_taken"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("Somebody else was quicker, or the challenge is over; nothing was staked.")


class DuelOwn(Refused):
    code = "duel_own"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("This challenge is your own; somebody else has to join.")


class InDuel(Refused):
    """One at a time."""

    code = "in_duel"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("You are in a duel that is not over; finish it, or leave it while you can.")


class DuelNotJoined(Refused):
    code = "duel_not_joined"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("Nobody has joined yet; nothing was staked.")


class CommitmentMade(Refused):
    """A move can't be taken back."""

    code = "commitment_made"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("You have committed to a move already, and it stands.")


class CommitmentsMissing(Refused):
    """Who revealed now would show their move to somebody who can still choose."""

    code = "commitments_missing"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("Not both of you have committed yet; keep your move to yourself until then.")


class RevealMismatch(Refused):
    code = "reveal_mismatch"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("Move and salt are not those that you committed to; send the ones that are, you have time.")


class DuelRunning(Refused):
    code = "duel_running"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("Both of you have staked: the duel is played to its end.")


class StakeTooHigh(Refused):
    code = "stake_too_high"
    kind = Kind.INVALID

    def __init__(self, stake_max: int) -> None:
        super().__init__(f"A duel is for {stake_max} at most.")


class FreeCoinsTooSoon(Refused):
    code = "free_coins_too_soon"
    kind = Kind.LIMITED

    def __init__(self, seconds: float) -> None:
        self.retry_after_seconds = ceil(seconds)
        super().__init__(f"There are more free coins in {ceil(seconds / 60)} minutes.")


class CoinsEnough(Refused):
    code = "coins_enough"
    kind = Kind.CONFLICT

    def __init__(self, ceiling: int) -> None:
        super().__init__(f"Free coins are for those who have fewer than {ceiling}.")
