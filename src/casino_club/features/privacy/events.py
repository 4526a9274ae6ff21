"""The actions that this slice appends."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class UserErased:
    """A user is gone. It is the last row that the log takes of them."""

    action_type: ClassVar[str] = "USER_ERASED"
    user_id: int
