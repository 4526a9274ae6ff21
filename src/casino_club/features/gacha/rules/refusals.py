"""Everything that this slice may refuse. No gem was spent then, and nothing drawn or given."""

from math import ceil

from casino_club.kernel.errors import Kind, Refused


class OpeningMissing(Refused):
    code = "opening_missing"
    kind = Kind.MISSING

    def __init__(self) -> None:
        super().__init__("You have opened nothing under this id.")


class OpeningReused(Refused):
    code = "opening_reused"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("This id is that of another opening of yours; send a new one.")


class OpeningTooSoon(Refused):
    """An opening takes its time, however fast it is asked for."""

    code = "opening_too_soon"
    kind = Kind.LIMITED

    def __init__(self, seconds: float) -> None:
        self.retry_after_seconds = ceil(seconds)
        super().__init__(f"Your last opening goes on for {seconds:.1f} seconds; nothing was spent.")


class NoGacha(Refused):
    code = "no_gacha"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("This product can't be opened: a gacha's name begins with gacha-, and its pulls cost gems.")


class FreeGemsOnly(Refused):
    """Where the market keeps what was paid for away from stakes."""

    code = "free_gems_only"
    kind = Kind.FORBIDDEN

    def __init__(self, *, wanted: int, free: int) -> None:
        super().__init__(
            f"Prizes of this gacha can be staked, and here no gems that were paid for may lead there: it takes {wanted}"
            f" free gems, and you have {free}."
        )
