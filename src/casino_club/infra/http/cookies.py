"""The one cookie that we set: its name, its bounds, and how it is read back."""

from typing import Final

from casino_club.infra.http.requests import Call

REFRESH_COOKIE: Final = "__Secure-casino-refresh"
REFRESH_PATH: Final = "/api/users/refresh"
VALUE_LENGTH_MAX: Final = 200


def refresh_cookie(value: str, seconds_max: int) -> tuple[bytes, bytes]:
    """A header that keeps this value in the browser, where no script and no other site can use it."""
    rules = f"Path={REFRESH_PATH}; Max-Age={seconds_max}; HttpOnly; Secure; SameSite=Strict"
    return b"set-cookie", f"{REFRESH_COOKIE}={value}; {rules}".encode()


def no_refresh_cookie() -> tuple[bytes, bytes]:
    """A header that takes it away."""
    return refresh_cookie("", 0)


def refresh_value(call: Call) -> str | None:
    """What the browser sent back."""
    for pair in call.headers.get(b"cookie", b"").decode("latin-1").split(";"):
        name, _, value = pair.strip().partition("=")
        if name == REFRESH_COOKIE and 0 < len(value) <= VALUE_LENGTH_MAX:
            return value
    return None
