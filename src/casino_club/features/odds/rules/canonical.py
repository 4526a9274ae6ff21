"""The one text of a value, which digests are taken of: sorted names, no spaces, whole numbers, composed letters.

What can't have such a text is refused and never mended, so that two programs can't mend it differently.
"""

import hashlib
import json
import re
import unicodedata
from typing import Any, Final, NoReturn

from casino_club.features.odds.rules.refusals import NotCanonical

INTEGER_MAX: Final = 2**53 - 1
"""What every JSON reader keeps exactly."""
LENGTH_MAX: Final = 262_144
DEPTH_MAX: Final = 16

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_DIGITS_MAX: Final = 16


def digest_of(text: str) -> str:
    """SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def canonical_text(value: Any) -> str:
    """The one text of this value. Raises `NotCanonical`."""
    _check(value, depth=0)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


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
    _check(value, depth=0)
    return value


def read_canonical(text: str) -> Any:
    """The value of a text that is canonical already. Raises `NotCanonical` if a single byte could differ."""
    value = read_json(text)
    if canonical_text(value) != text:
        raise NotCanonical("The text is not in canonical form: names sorted, no spaces, nothing escaped needlessly.")
    return value


def _check(value: Any, *, depth: int) -> None:
    if depth > DEPTH_MAX:
        raise _too_deep()
    match value:
        case bool() | None | float():
            raise NotCanonical("Only objects, lists, texts and whole numbers have a canonical form.")
        case int():
            if not 0 <= value <= INTEGER_MAX:
                raise NotCanonical(f"{value} does not lie between 0 and {INTEGER_MAX}.")
        case str():
            _check_text(value)
        case list():
            for each in value:
                _check(each, depth=depth + 1)
        case dict():
            _check_names(value)
            for each in value.values():
                _check(each, depth=depth + 1)
        case _:
            raise NotCanonical(f"{type(value).__name__} has no canonical form.")


def _check_names(found: dict[str, Any]) -> None:
    for name in found:
        if not _NAME.fullmatch(name):
            raise NotCanonical(f"{name[:40]!r} is no name: small letters, digits and _, 40 at most.")


def _too_deep() -> NotCanonical:
    return NotCanonical(f"The text is nested more than {DEPTH_MAX} deep.")


def _check_text(text: str) -> None:
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
