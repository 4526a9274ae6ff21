"""The cookies that we set: their names, their bounds, and how they are read back."""

from typing import Final

from casino_club.infra.http.requests import Call

REFRESH_COOKIE: Final = "__Secure-casino-refresh"
REFRESH_PATH: Final = "/api/users/refresh"
LOGIN_COOKIE: Final = "__Host-casino-login"
"""Binds a login at somebody else's place to the browser that began it. Its prefix keeps other hosts from setting it."""
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
    return _value(call, REFRESH_COOKIE)


def login_cookie(value: str, seconds_max: int) -> tuple[bytes, bytes]:
    """A header that keeps this value until the browser comes back. Lax: it comes back from another site."""
    rules = f"Path=/; Max-Age={seconds_max}; HttpOnly; Secure; SameSite=Lax"
    return b"set-cookie", f"{LOGIN_COOKIE}={value}; {rules}".encode()


def no_login_cookie() -> tuple[bytes, bytes]:
    """A header that takes it away."""
    return login_cookie("", 0)


def login_value(call: Call) -> str | None:
    """What the browser sent back."""
    return _value(call, LOGIN_COOKIE)


def _value(call: Call, wanted: str) -> str | None:
    for pair in call.headers.get(b"cookie", b"").decode("latin-1").split(";"):
        name, _, value = pair.strip().partition("=")
        if name == wanted and 0 < len(value) <= VALUE_LENGTH_MAX:
            return value
    return None
