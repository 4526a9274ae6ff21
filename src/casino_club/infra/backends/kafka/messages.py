"""What a message of the topic holds: docs/topic.md describes it for other services, and nothing here may break that."""

from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
from confluent_kafka import Message

from casino_club.infra.log.rows import LogRow
from casino_club.kernel.clock import from_us, to_us

SCHEMA = b"1"

Headers = list[tuple[str, str | bytes | None]]


class Value(msgspec.Struct, frozen=True, gc=False):
    """One action, field by field as in the log."""

    id: int
    user_id: int
    action_type: str
    value: int | None
    metadata: msgspec.Raw
    action_timestamp: datetime
    appended_at: datetime
    client_action_id: str | None
    round_id: str | None
    is_play: bool
    by_user: bool
    streak: int
    day_plays: int
    last_play_at: datetime | None
    last_action_at: datetime


class NotOurs(Exception):
    """A message that the relay can't have sent, or that a newer one has."""


class Heading(msgspec.Struct, frozen=True, gc=False):
    """What a message says of itself beside its value. `next_topic` is set in the last one of a partition."""

    life: bytes
    delivered: bytes
    delivering: bytes
    xact: int
    next_topic: bytes | None


UUID_BYTES = 16
INSTANTS_KEPT_MAX = 4_096
_instant = lru_cache(INSTANTS_KEPT_MAX)(from_us)
_us = lru_cache(INSTANTS_KEPT_MAX)(to_us)
"""A row's instants are often the same, and those of neighbours: to turn one takes longer than to remember it."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Value).decode


def page_headers(life: str, delivered: str, delivering: str) -> Headers:
    """What all messages of one page share."""
    return [("schema", SCHEMA), ("life", life), ("delivered", delivered), ("delivering", delivering)]


def row_headers(shared: Headers, row: LogRow) -> Headers:
    return [*shared, ("xact", b"%d" % row.xact)]


def mark_headers(life: str, delivered: str, *, next_topic: str | None = None) -> Headers:
    """Of a message without key and value: everything up to `delivered` has been sent to this partition."""
    headers: Headers = [("schema", SCHEMA), ("life", life), ("delivered", delivered)]
    return [*headers, ("next", next_topic)] if next_topic else headers


def key_of(row: LogRow) -> bytes:
    return b"%d" % row.user_id


def value_of(row: LogRow) -> bytes:
    return _encode(
        Value(
            row.id,
            row.user_id,
            row.action_type,
            row.value,
            msgspec.Raw(row.metadata.encode()),
            _instant(row.action_us),
            _instant(row.appended_us),
            None if row.client_action_bytes is None else str(row.client_action_id),
            None if row.round_bytes is None else str(row.round_id),
            row.is_play,
            row.by_user,
            row.streak,
            row.day_plays,
            _instant(row.last_play_us) if row.last_play_us else None,
            _instant(row.last_action_us),
        )
    )


def heading_of(message: Message) -> Heading:
    """Raises NotOurs."""
    found: dict[str, Any] = dict(message.headers() or ())
    if found.get("schema") != SCHEMA:
        raise NotOurs(f"its schema is {found.get('schema')!r}, and we know {SCHEMA!r}")
    try:
        xact = int(found["xact"] or 0) if message.value() is not None else 0
        return Heading(found["life"], found["delivered"], found.get("delivering", b""), xact, found.get("next"))
    except (KeyError, ValueError) as fault:
        raise NotOurs(f"its headers lack something: {fault!r}") from fault


def row_of(message: Message, xact: int) -> LogRow:
    """Raises NotOurs."""
    try:
        found = _decode(message.value() or b"")
        client_id, round_id = _uuid_bytes(found.client_action_id), _uuid_bytes(found.round_id)
    except (msgspec.MsgspecError, ValueError) as fault:
        raise NotOurs(f"its value can't be read: {fault}") from fault
    return LogRow(
        found.id,
        found.user_id,
        found.action_type,
        found.value,
        str(found.metadata, "utf-8"),
        _us(found.action_timestamp),
        _us(found.appended_at),
        client_id,
        round_id,
        found.is_play,
        found.by_user,
        found.streak,
        found.day_plays,
        _us(found.last_play_at) if found.last_play_at else 0,
        _us(found.last_action_at),
        xact,
    )


def _uuid_bytes(text: str | None) -> bytes | None:
    """A UUID's bytes, without the object in between, which takes longer than the rest of the message."""
    if text is None:
        return None
    found = bytes.fromhex(text.replace("-", ""))
    if len(found) != UUID_BYTES:
        raise ValueError(f"{text!r} is no UUID")
    return found
