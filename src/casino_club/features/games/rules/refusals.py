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


class AgeUnproven(Refused):
    code = "age_unproven"
    kind = Kind.FORBIDDEN

    def __init__(self, years: int) -> None:
        super().__init__(f"Whoever plays here is {years} or older; prove your age at /api/users/verify-age first.")


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
