"""Time-based one-time codes (RFC 6238) and the recovery codes for those who lose their phone."""

import base64
import hmac
from datetime import datetime
from urllib.parse import quote

STEP_SECONDS = 30
DIGITS = 6
STEPS_EITHER_WAY = 1
"""Clocks of phones may be that far off."""
ISSUER = "Casino-Club"
RECOVERY_CODES = 10


def code_of(secret: bytes, step: int, digits: int = DIGITS) -> str:
    """The code that a phone shows during this step."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0xF
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


def step_of(secret: bytes, code: str, *, now: datetime, last_step: int) -> int | None:
    """The step whose code this is. None for a wrong one, and for one not later than the last that was used."""
    current = int(now.timestamp()) // STEP_SECONDS
    found = None
    for step in range(current - STEPS_EITHER_WAY, current + STEPS_EITHER_WAY + 1):
        if hmac.compare_digest(code_of(secret, step).encode(), code.encode()) and step > last_step:
            found = step
    return found


def plain_code(text: str) -> str:
    """A code without what people put between its signs."""
    return "".join(sign for sign in text.upper() if sign.isalnum())


def shown_secret(secret: bytes) -> str:
    """As people type it into an app."""
    return base64.b32encode(secret).decode()


def kept_secret(text: str) -> bytes:
    """The other way round."""
    return base64.b32decode(text)


def enrolment_url(secret: bytes, name: str) -> str:
    """What an app reads from a QR code."""
    label = quote(f"{ISSUER}:{name}", safe="")
    return f"otpauth://totp/{label}?secret={shown_secret(secret)}&issuer={quote(ISSUER)}&digits={DIGITS}&period={STEP_SECONDS}"
