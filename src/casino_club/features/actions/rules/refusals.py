"""Why an action is refused. The codes are stable: senders and the review of refused input rely on them."""

from typing import NamedTuple

from casino_club.kernel.errors import Kind, Refused


class RefusalPolicy(NamedTuple):
    """How long refused actions are kept for review."""

    keep_days: int


class InvalidAction(Refused):
    """The row is not an action: malformed, fields missing, unknown or of the wrong type."""

    code = "invalid_action"
    kind = Kind.INVALID


class UnknownActionType(Refused):
    code = "unknown_action_type"
    kind = Kind.INVALID


class SenderNotAllowed(Refused):
    code = "sender_not_allowed"
    kind = Kind.FORBIDDEN


class NotYourUser(Refused):
    code = "not_your_user"
    kind = Kind.FORBIDDEN


class UserIdMissing(Refused):
    code = "user_id_missing"
    kind = Kind.INVALID


class TimestampInFuture(Refused):
    code = "timestamp_in_future"
    kind = Kind.INVALID


class TimestampTooOld(Refused):
    code = "timestamp_too_old"
    kind = Kind.INVALID


class ValueOutOfBounds(Refused):
    code = "value_out_of_bounds"
    kind = Kind.INVALID


class MetadataMissing(Refused):
    code = "metadata_missing"
    kind = Kind.INVALID


class MetadataInvalid(Refused):
    code = "metadata_invalid"
    kind = Kind.INVALID


class MetadataTooLarge(Refused):
    code = "metadata_too_large"
    kind = Kind.INVALID


class KeyConflict(Refused):
    """The sender's id was used before, for another action."""

    code = "client_action_id_conflict"
    kind = Kind.CONFLICT


class UserGone(Refused):
    """Nothing is recorded of somebody who has been erased."""

    code = "user_gone"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("This user has been erased; nothing more is recorded of them.")


ACTION_REFUSALS: tuple[type[Refused], ...] = (
    InvalidAction,
    UnknownActionType,
    SenderNotAllowed,
    NotYourUser,
    UserIdMissing,
    TimestampInFuture,
    TimestampTooOld,
    ValueOutOfBounds,
    MetadataMissing,
    MetadataInvalid,
    MetadataTooLarge,
    KeyConflict,
    UserGone,
)
