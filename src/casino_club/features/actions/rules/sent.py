"""An action as it is sent, and what is sent in place of one."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

BIGINT_MAX = 2**63 - 1
MESSAGE_LENGTH_MAX = 500
UserId = Annotated[int, Meta(ge=1, le=BIGINT_MAX, description="The user that acted.")]


class ActionIn(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """One action as it is sent. `client_action_id` makes it safe to send again."""

    action_type: Annotated[str, Meta(min_length=1, max_length=64, description="A type of the tracking plan.")]
    user_id: UserId | None = None
    value: Annotated[int, Meta(ge=-BIGINT_MAX, le=BIGINT_MAX)] | None = None
    metadata: dict[str, Any] = {}
    action_timestamp: Annotated[datetime, Meta(tz=True, description="When it happened; now, if absent.")] | None = None
    client_action_id: (
        Annotated[
            UUID,
            Meta(description="Chosen by the sender; the same id always gives the same answer. Version 7 is fastest."),
        ]
        | None
    ) = None


class MalformedRow(msgspec.Struct):
    """A row that is no action: what is wrong with it, and the row itself."""

    message: str
    body: bytes


_action = msgspec.json.Decoder(ActionIn)


def decoded_action(body: bytes) -> ActionIn | MalformedRow:
    """One action, or what keeps it from being one."""
    try:
        return _action.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        return MalformedRow(_sentence(fault), body)
    except RecursionError:
        return MalformedRow("The action is nested too deeply.", body)


def _sentence(fault: Exception) -> str:
    """What msgspec found, fit to be kept: it may quote names of fields, as long and as strange as they were sent."""
    text = str(fault)[:MESSAGE_LENGTH_MAX].replace("\0", "\ufffd")
    return f"{text[:1].upper()}{text[1:]}."
