"""Shapes of requests and answers. Unknown fields are refused."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta

from casino_club.features.actions.rules.sent import BIGINT_MAX, ActionIn, MalformedRow, UserId, decoded_action
from casino_club.kernel.errors import Kind, Refused

Row = TypeVar("Row")

BATCH_ROWS_MAX = 10_000
PAGE_ROWS_MAX = 200


class BatchIn(msgspec.Struct, forbid_unknown_fields=True):
    """Up to 10,000 actions. Each gets its own verdict."""

    actions: list[ActionIn]


class LooseBatch(msgspec.Struct, forbid_unknown_fields=True):
    """The same with each row left undecoded, for a batch that holds a malformed one."""

    actions: list[msgspec.Raw]


class BatchTooLarge(Refused):
    code = "batch_too_large"
    kind = Kind.TOO_LARGE


_actions = msgspec.json.Decoder(ActionIn)
_batch = msgspec.json.Decoder(BatchIn)
_loose_batch = msgspec.json.Decoder(LooseBatch)


def decoded_batch(body: bytes, *, is_ndjson: bool) -> Sequence[ActionIn | MalformedRow]:
    """The rows of a batch; one bad row does not spoil the rest. Raises what msgspec raises if it is no batch at all."""
    try:
        rows = _actions.decode_lines(body) if is_ndjson else _batch.decode(body).actions
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return [decoded_action(bytes(row)) for row in _bounded(_loose_rows(body, is_ndjson=is_ndjson))]
    return _bounded(rows)


def _loose_rows(body: bytes, *, is_ndjson: bool) -> Sequence[bytes | msgspec.Raw]:
    if is_ndjson:
        return [line for line in body.split(b"\n") if line.strip()]
    return _loose_batch.decode(body).actions


def _bounded(rows: Sequence[Row]) -> Sequence[Row]:
    if len(rows) > BATCH_ROWS_MAX:
        raise BatchTooLarge(f"A batch holds up to {BATCH_ROWS_MAX} actions; send {len(rows)} in parts.")
    return rows


class Recorded(msgspec.Struct, gc=False):
    """The answer to one action: its place in the log."""

    id: int
    client_action_id: UUID | None = None


class Verdict(msgspec.Struct, omit_defaults=True, gc=False):
    """What became of one row of a batch."""

    index: int
    status: Literal["accepted", "duplicate", "refused"]
    id: int | None = None
    client_action_id: UUID | None = None
    code: str | None = None
    message: str | None = None


class BatchAnswer(msgspec.Struct):
    """Counts, and a verdict per row in the order sent."""

    accepted: int
    duplicate: int
    refused: int
    results: list[Verdict]


class HistoryQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which part of a history."""

    user_id: UserId | None = None
    action_type: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    limit: Annotated[int, Meta(ge=1, le=PAGE_ROWS_MAX)] = 50
    cursor: Annotated[int, Meta(ge=1, le=BIGINT_MAX, description="`next_cursor` of the page before.")] | None = None


class ActionOut(msgspec.Struct):
    """One row of a user's history."""

    id: int
    action_type: str
    value: int | None
    metadata: msgspec.Raw
    action_timestamp: datetime
    client_action_id: UUID | None
    streak: int


class HistoryPage(msgspec.Struct):
    """Newest first. `next_cursor` is null at the end."""

    actions: list[ActionOut]
    next_cursor: int | None


class RefusedQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which refused actions."""

    status: Literal["open", "replayed", "dismissed"] = "open"
    code: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    limit: Annotated[int, Meta(ge=1, le=PAGE_ROWS_MAX)] = 50
    cursor: Annotated[int, Meta(ge=1, le=BIGINT_MAX)] | None = None


class RefusedOut(msgspec.Struct):
    """One refused action with its reason."""

    id: int
    received_at: datetime
    sender_user_id: int | None
    code: str
    message: str
    body: str
    status: str
    action_id: int | None


class RefusedPage(msgspec.Struct):
    """Oldest first. `next_cursor` is null at the end."""

    refused: list[RefusedOut]
    next_cursor: int | None


class CorrectionIn(msgspec.Struct, forbid_unknown_fields=True):
    """A refused action sent again: corrected, or as it was when `action` is absent."""

    action: ActionIn | None = None


class Settled(msgspec.Struct):
    """What became of a refused action."""

    id: int
    status: str
    action_id: int | None
