"""Addresses of servers, looked at before they are used. What is wrong with one is said without showing it."""

from urllib.parse import urlsplit

from casino_club.infra.ports import Unusable


def checked(url: str, *, schemes: tuple[str, ...], setting: str, example: str) -> str:
    """The address as it is. Raises Unusable if it is none of this kind; a slash in a password makes it so."""
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in schemes and (parts.port is None or parts.port > 0)
    except ValueError:
        is_good = False
    if not is_good:
        raise Unusable(f"{setting} is no address to use; write {example}, with % codes for signs in the password.")
    return url
