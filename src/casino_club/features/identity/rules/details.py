"""What people type in when they sign up: made uniform, and checked."""

import unicodedata

from casino_club.features.identity.rules.refusals import InvalidDetails

NICKNAME_LENGTH_MIN, NICKNAME_LENGTH_MAX = 2, 24
EMAIL_LENGTH_MAX = 254
PASSWORD_LENGTH_MIN, PASSWORD_LENGTH_MAX = 10, 256


def plain_email(text: str) -> str:
    """One spelling of an address. Capitals don't tell people apart."""
    email = unicodedata.normalize("NFC", text.strip()).lower()
    name, at, host = email.rpartition("@")
    is_bad = not (name and at and host) or "@" in name or len(email) > EMAIL_LENGTH_MAX
    if is_bad or any(_is_unseen(sign) or sign.isspace() for sign in email):
        raise InvalidDetails("This is not an e-mail address.")
    return email


def plain_nickname(text: str) -> str:
    """One spelling of a nickname."""
    nickname = unicodedata.normalize("NFC", " ".join(text.split()))
    if not NICKNAME_LENGTH_MIN <= len(nickname) <= NICKNAME_LENGTH_MAX or any(map(_is_unseen, nickname)):
        raise InvalidDetails(f"A nickname has {NICKNAME_LENGTH_MIN} to {NICKNAME_LENGTH_MAX} visible characters.")
    return nickname


def plain_password(text: str) -> str:
    """The same password however a keyboard composes it."""
    return unicodedata.normalize("NFKC", text)


def check_new_password(password: str, *, email: str, nickname: str) -> None:
    """Length is what counts; a password that is the name beside it is none."""
    if not PASSWORD_LENGTH_MIN <= len(password) <= PASSWORD_LENGTH_MAX:
        raise InvalidDetails(f"A password has {PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX} characters.")
    if password.casefold() in (email.casefold(), nickname.casefold()) or len(set(password)) == 1:
        raise InvalidDetails("This password would be guessed at once; choose another.")


def _is_unseen(sign: str) -> bool:
    return unicodedata.category(sign)[0] == "C"
