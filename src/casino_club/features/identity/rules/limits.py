"""How often something may be tried."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from casino_club.features.identity.rules.refusals import TooManyAttempts


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many attempts from the first one until the window ends."""

    name: str
    tries_max: int
    window: timedelta


LOGINS_OF_ACCOUNT = Limit("login of account", 10, timedelta(minutes=15))
LOGINS_FROM_ADDRESS = Limit("login from address", 100, timedelta(minutes=15))
SIGN_UPS_FROM_ADDRESS = Limit("sign-up from address", 20, timedelta(hours=1))
PROVIDER_LOGINS_FROM_ADDRESS = Limit("provider login from address", 100, timedelta(minutes=15))
PASSWORD_CHANGES = Limit("password change", 10, timedelta(minutes=15))
CODES_OF_USER = Limit("code of user", 10, timedelta(minutes=15))
AGE_CHECKS_OF_USER = Limit("age check of user", 5, timedelta(days=1))
WINDOW_MAX = timedelta(days=1)


def refusal(limit: Limit, *, tries: int, began_at: datetime, now: datetime) -> TooManyAttempts | None:
    """What speaks against this try, the last one counted in."""
    if tries <= limit.tries_max:
        return None
    return TooManyAttempts(max(1, math.ceil((began_at + limit.window - now).total_seconds())))
