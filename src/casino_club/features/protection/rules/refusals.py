"""Everything that this slice may refuse. Whoever is turned away learns for how long, and what they can do."""

from datetime import datetime, timedelta

from casino_club.kernel.errors import Kind, Refused
from casino_club.kernel.money import AMOUNT_MAX


def told(at: datetime) -> str:
    """An instant, as people are told: the first full minute, so that nobody comes too early by our word."""
    full = at if at.second == at.microsecond == 0 else at + timedelta(minutes=1)
    return f"{full:%Y-%m-%d %H:%M} UTC"


class Vetoed(Refused):
    """Protection says no. Nothing was counted, and the transaction is as it was."""

    kind = Kind.FORBIDDEN


class PlayLimited(Vetoed):
    code = "protection_limited"

    def __init__(self) -> None:
        super().__init__("You are protected from too much play: there are no bonuses. You can ask for a return.")


class PlayPaused(Vetoed):
    code = "protection_paused"

    def __init__(self, until: datetime | None) -> None:
        self.until = until
        over = "" if until is None else f" until {told(until)}"
        super().__init__(f"Your play is paused{over}. Once that is over, confirm that you want to return.")


class PlayProtected(Vetoed):
    code = "protection_protected"

    def __init__(self, until: datetime | None) -> None:
        self.until = until
        over = "" if until is None else f" until {told(until)} at least"
        super().__init__(f"Your play rests{over}, for your protection. After that you can ask for a return.")


class PlayExcluded(Vetoed):
    code = "protection_excluded"

    def __init__(self, until: datetime | None) -> None:
        self.until = until
        over = "" if until is None else f" until {told(until)}"
        super().__init__(
            f"You are excluded from play{over}. You can log in for help, your data and your consents, and ask for a "
            "return once it is over."
        )


class PlayClosed(Vetoed):
    code = "protection_closed"

    def __init__(self) -> None:
        super().__init__("This account is closed to play for good. You can still log in for help and your data.")


class LimitReached(Vetoed):
    """It would be more than a limit allows."""

    code = "limit_reached"
    kind = Kind.LIMITED

    def __init__(self, limit: str, *, unit: str, amount: int, used: int, resets_at: datetime, seconds: int) -> None:
        self.limit, self.amount, self.used, self.resets_at = limit, amount, used, resets_at
        self.retry_after_seconds = seconds
        super().__init__(
            f"Your limit {limit} of {amount} {unit} does not allow this: {used} are used. It begins anew at "
            f"{told(resets_at)}. A raise of your own limits holds after 24 hours, once you confirm it."
        )


class AmountInvalid(Refused):
    """Only whole amounts are counted."""

    code = "amount_invalid"
    kind = Kind.INVALID

    def __init__(self, amount: object) -> None:
        super().__init__(f"An amount is a whole number from 0 to {AMOUNT_MAX}, not {amount!r}.")


class AlreadyStricter(Refused):
    code = "already_stricter"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("What holds already is as strict, or stricter; this would loosen it.")


class PauseTooLong(Refused):
    code = "pause_too_long"
    kind = Kind.INVALID

    def __init__(self, days_max: int) -> None:
        super().__init__(f"A pause lasts {days_max} days at most; exclude for longer.")


class StillHolds(Refused):
    code = "protection_still_holds"
    kind = Kind.CONFLICT

    def __init__(self, until: datetime) -> None:
        self.until = until
        super().__init__(f"This holds until {told(until)}. Come back then.")


class NothingToLoosen(Refused):
    code = "nothing_to_loosen"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("Nothing keeps you from playing; there is nothing to return from.")


class ClosedForGood(Refused):
    code = "closed_for_good"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("A closed account stays closed.")


class NothingToRelease(Refused):
    code = "nothing_to_release"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("No time that staff set keeps this user; they can ask for a return themselves.")


class ChosenByUser(Refused):
    code = "chosen_by_user"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("They have chosen this themselves, so nobody else ends it.")


class ReturnMissing(Refused):
    code = "return_missing"
    kind = Kind.MISSING

    def __init__(self) -> None:
        super().__init__("You have not asked for a return; ask first, and confirm it after 24 hours.")


class ReturnTooSoon(Refused):
    code = "return_too_soon"
    kind = Kind.CONFLICT

    def __init__(self, at: datetime) -> None:
        self.at = at
        super().__init__(f"Take your time: you can confirm your return from {told(at)} on.")


class LimitMissing(Refused):
    code = "limit_missing"
    kind = Kind.MISSING

    def __init__(self) -> None:
        super().__init__("You have set no such limit.")


class LimitTooLarge(Refused):
    code = "limit_too_large"
    kind = Kind.INVALID

    def __init__(self, amount_max: int, unit: str) -> None:
        super().__init__(f"This limit goes up to {amount_max} {unit}; take it away if you want none.")


class RaiseMissing(Refused):
    code = "raise_missing"
    kind = Kind.MISSING

    def __init__(self) -> None:
        super().__init__("No higher limit waits to be confirmed.")


class RaiseTooSoon(Refused):
    code = "raise_too_soon"
    kind = Kind.CONFLICT

    def __init__(self, at: datetime) -> None:
        self.at = at
        super().__init__(f"You can confirm the higher limit from {told(at)} on.")


class ConsentTextOutdated(Refused):
    code = "consent_text_outdated"
    kind = Kind.CONFLICT

    def __init__(self, version: int) -> None:
        super().__init__(f"This text has changed since; show version {version} and ask again.")
