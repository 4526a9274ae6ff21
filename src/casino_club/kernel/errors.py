"""The one tree of expected refusals. Bugs are assertions; whatever people may meet is a `Refused`."""

from enum import StrEnum
from typing import ClassVar


class Kind(StrEnum):
    """What sort of refusal it is; `infra.http` alone turns it into a status."""

    INVALID = "invalid"
    UNKNOWN_CALLER = "unknown_caller"
    FORBIDDEN = "forbidden"
    MISSING = "missing"
    CONFLICT = "conflict"
    TOO_LARGE = "too_large"
    LIMITED = "limited"
    UNAVAILABLE = "unavailable"


class Refused(Exception):
    """An expected refusal: a stable code for programs, a sentence for people, a kind."""

    code: ClassVar[str]
    kind: ClassVar[Kind]

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Unavailable(Refused):
    """A server that is needed does not answer; the same call may be sent again as it is."""

    code = "unavailable"
    kind = Kind.UNAVAILABLE
