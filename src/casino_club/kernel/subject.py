"""Who calls. `infra.http` makes a `Subject` from a token or a service key; slices only read it.

The operator on the command line calls nobody's route, but acts: an `Actor` is whoever may change something.
"""

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """What a caller may do. Users' own tokens carry none of these."""

    ACTIONS_WRITE = "actions:write"
    ACTIONS_READ = "actions:read"
    ACTIONS_REVIEW = "actions:review"
    OPERATIONS_READ = "operations:read"
    OPERATIONS_WRITE = "operations:write"
    REWARDS_READ = "rewards:read"
    WALLET_READ = "wallet:read"
    WALLET_WRITE = "wallet:write"


class Role(StrEnum):
    """What a member of the operator's staff may do. Most users have none."""

    VIEWER = "viewer"
    MARKETER = "marketer"
    ANALYST = "analyst"
    SUPPORT = "support"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class UserSubject:
    """A person, known by an access token: reaches only what is their own, and as staff what their roles open.

    Staff without a second factor in this session lack it: they reach what lets them enrol one, and no more.
    """

    user_id: int
    session_id: int = 0
    roles: frozenset[Role] = frozenset()
    lacks_factor: bool = False


@dataclass(frozen=True, slots=True)
class ServiceSubject:
    """A program, known by a service key. Rotated keys share a namespace, so that retries find their first answer."""

    key_id: int
    namespace: int
    scopes: frozenset[Scope]


Subject = UserSubject | ServiceSubject


@dataclass(frozen=True, slots=True)
class Operator:
    """Whoever has a shell on the machine: the command line asks for no name."""


OPERATOR = Operator()
Actor = Subject | Operator
