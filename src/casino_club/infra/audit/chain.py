"""How deeds hang together: each one's hash covers all of it and the hash before, so that none can be changed alone."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from casino_club.kernel.clock import to_us

FORMAT: Final = "casino-club deed 1"
BEFORE_THE_FIRST: Final = bytes(32)

Arguments = Mapping[str, str | int | bool | Sequence[str] | None]


class Deed(NamedTuple):
    """One row of the audit. `refused_as` is the code of the refusal where somebody only tried."""

    id: int
    at: datetime
    actor: str
    session_id: int
    verb: str
    target: str
    arguments: dict[str, Any]
    refused_as: str | None
    request_id: str | None


def hash_of(deed: Deed, previous: bytes) -> bytes:
    """SHA-256 over the deed as JSON in one spelling, behind the hash of the deed before."""
    fields = (*deed._replace(at=to_us(deed.at)), previous.hex())  # type: ignore[arg-type]  # whole microseconds, as kept
    return hashlib.sha256(msgspec.json.encode((FORMAT, *fields), order="sorted")).digest()
