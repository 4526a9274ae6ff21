"""The one text of a value, which digests are taken of: sorted names, no spaces, whole numbers, composed letters.

What can't have such a text is refused and never mended, so that two programs can't mend it differently.
"""

import hashlib
import json
import re
import unicodedata
from typing import Any, Final, NoReturn

from casino_club.kernel.errors import Kind, Refused

INTEGER_MAX: Final = 2**53 - 1
"""What every JSON reader keeps exactly."""
LENGTH_MAX: Final = 262_144
DEPTH_MAX: Final = 16

_is_name: Final = re.compile(r"[a-z][a-z0-9_]{0,39}").fullmatch
_DIGITS_MAX: Final = 16


class NotCanonical(Refused):
    """This can't have a canonical text, or is not in it."""

    code = "not_canonical"
    kind = Kind.INVALID


def digest_of(text: str) -> str:
    """SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def canonical_text(value: Any) -> str:
    """The one text of this value. Raises `NotCanonical`."""
    _check(value, 0)
    return _written(value)


def read_json(text: str | bytes) -> Any:
    """The value of a JSON text in any layout, if it can have a canonical one. Raises `NotCanonical`."""
    if len(text) > LENGTH_MAX:
        raise NotCanonical(f"The text is longer than {LENGTH_MAX} characters.")
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_int=_integer, parse_float=_fraction, parse_constant=_fraction
        )
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise NotCanonical(f"This is not JSON: {error}.") from None
    except RecursionError:
        raise _too_deep() from None
    _check(value, 0)
    return value


def read_canonical(text: str) -> Any:
    """The value of a text that is canonical already. Raises `NotCanonical` if a single byte could differ."""
    value = read_json(text)
    if _written(value) != text:
        raise NotCanonical("The text is not in canonical form: names sorted, no spaces, nothing escaped needlessly.")
    return value


def _written(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _check(value: Any, depth: int) -> None:
    """Long tables are checked for every proof, so the commonest types come first."""
    kind = type(value)
    if kind is str:
        _check_text(value)
    elif kind is int:
        if not 0 <= value <= INTEGER_MAX:
            raise NotCanonical(f"{value} does not lie between 0 and {INTEGER_MAX}.")
    elif depth == DEPTH_MAX:
        raise _too_deep()
    elif kind is list:
        for each in value:
            _check(each, depth + 1)
    elif kind is dict:
        for name, each in value.items():
            if not _is_name(name):
                raise NotCanonical(f"{name[:40]!r} is no name: small letters, digits and _, 40 at most.")
            _check(each, depth + 1)
    else:
        raise NotCanonical("Only objects, lists, texts and whole numbers have a canonical form.")


def _too_deep() -> NotCanonical:
    return NotCanonical(f"The text is nested more than {DEPTH_MAX} deep.")


def _check_text(text: str) -> None:
    if text.isascii() and text.isprintable():
        return
    if any(unicodedata.category(each) in ("Cc", "Cs", "Cn", "Co") for each in text):
        raise NotCanonical("A text holds a control character, or one that Unicode does not define.")
    if not unicodedata.is_normalized("NFC", text):
        raise NotCanonical(f"{text[:40]!r} is not composed (NFC).")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotCanonical("A name stands twice in one object.")
    return found


def _integer(digits: str) -> int:
    if len(digits) > _DIGITS_MAX or digits.startswith("-"):
        raise NotCanonical(f"{digits[:20]} does not lie between 0 and {INTEGER_MAX}.")
    return int(digits)


def _fraction(text: str) -> NoReturn:
    raise NotCanonical(f"{text[:20]} is no whole number.")
