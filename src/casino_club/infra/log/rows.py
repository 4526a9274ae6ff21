"""Rows of the log as readers are given them, and how PostgreSQL hands them over: a column at a time.

To make an object of each value of each row, as its client does, costs more than what most readers then do with them.
"""

from collections.abc import Sequence
from datetime import datetime
from struct import unpack
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from asyncpg.pgproto import pgproto

from casino_club.infra.db.database import Db
from casino_club.kernel.clock import from_us

T = TypeVar("T")

NAMES = (
    *("id", "user_id", "action_type", "value", "metadata", "action_timestamp", "appended_at", "client_action_id"),
    *("round_id", "is_play", "by_user", "streak", "day_plays", "last_play_at", "last_action_at", "xact"),
)
"""What there is to know of a row: columns of the table, and attributes of a LogRow in the order of its fields."""
SELECTED = ", ".join(NAMES)


class LogRow(msgspec.Struct, frozen=True, gc=False):
    """One action as readers see it. `metadata` is JSON text; `streak` and what follows is the user's standing after it.

    Instants are kept in microseconds, a last play that never was as 0, and UUIDs in bytes: most readers pass them on.
    `xact` is the transaction that appended it.
    """

    id: int
    user_id: int
    action_type: str
    value: int | None
    metadata: str
    action_us: int
    appended_us: int
    client_action_bytes: bytes | None
    round_bytes: bytes | None
    is_play: bool
    by_user: bool
    streak: int
    day_plays: int
    last_play_us: int
    last_action_us: int
    xact: int

    @property
    def action_timestamp(self) -> datetime:
        return from_us(self.action_us)

    @property
    def appended_at(self) -> datetime:
        return from_us(self.appended_us)

    @property
    def client_action_id(self) -> UUID | None:
        return pgproto.UUID(self.client_action_bytes) if self.client_action_bytes else None

    @property
    def round_id(self) -> UUID | None:
        return pgproto.UUID(self.round_bytes) if self.round_bytes else None

    @property
    def last_play_at(self) -> datetime | None:
        return from_us(self.last_play_us) if self.last_play_us else None

    @property
    def last_action_at(self) -> datetime:
        return from_us(self.last_action_us)


_BEGAN_US = 946_684_800_000_000
"""PostgreSQL's instants are microseconds since the year 2000."""

_BINARY = (
    *("int8send(id)", "int8send(user_id)", "xid8send(xact)", "int8send(coalesce(value, 0))"),
    *("boolsend(value IS NOT NULL)", "timestamptz_send(action_timestamp)", "timestamptz_send(appended_at)"),
    *("uuid_send(coalesce(client_action_id, {none}))", "boolsend(client_action_id IS NOT NULL)"),
    *("uuid_send(coalesce(round_id, {none}))", "boolsend(round_id IS NOT NULL)"),
    *("boolsend(is_play)", "boolsend(by_user)", "int4send(streak)", "int4send(day_plays)"),
    *("timestamptz_send(coalesce(last_play_at, 'epoch'))", "timestamptz_send(last_action_at)"),
)
_TEXTS = ("action_type", "metadata::text")
"""A line each: no type's name has a line feed in it, and no JSON as PostgreSQL writes it."""
_COLUMNS = ", ".join(
    (
        *(f"string_agg({each}, ''::bytea ORDER BY id)".format(none=f"'{UUID(int=0)}'") for each in _BINARY),
        *(f"string_agg({each}, E'\\n' ORDER BY id)" for each in _TEXTS),
    )
)


async def rows_of(db: Db, statement: str, *arguments: object) -> list[LogRow]:
    """The rows that a statement selects, by id. It selects SELECTED."""
    found = await db.fetchrow(f"SELECT {_COLUMNS} FROM ({statement}) AS page", *arguments)  # noqa: S608 - statements of ours
    assert found is not None, "aggregates without groups give a row"
    return _rows(tuple(found)) if found[0] else []


def _rows(found: Sequence[Any]) -> list[LogRow]:
    ids, users, xacts, values, has_value, acted, appended, clients, has_client, rounds, has_round, *rest = found
    plays, by_user, streaks, day_plays, last_played, last_acted, types, metadata = rest
    columns: tuple[Sequence[object], ...] = (
        _int64s(ids),
        _int64s(users),
        types.split("\n"),
        _optional(_int64s(values), has_value),
        metadata.split("\n"),
        _instants(acted),
        _instants(appended),
        _optional(_uuids(clients), has_client),
        _optional(_uuids(rounds), has_round),
        _flags(plays),
        _flags(by_user),
        _int32s(streaks),
        _int32s(day_plays),
        _instants(last_played),
        _instants(last_acted),
        _int64s(xacts),
    )
    assert {len(column) for column in columns} == {len(has_value)}, "each column has a value for every row"
    return list(map(LogRow, *columns))


def _int64s(sent: bytes) -> Sequence[int]:
    return unpack(f">{len(sent) // 8}q", sent)


def _int32s(sent: bytes) -> Sequence[int]:
    return unpack(f">{len(sent) // 4}i", sent)


def _flags(sent: bytes) -> Sequence[bool]:
    return list(map(bool, sent))


def _instants(sent: bytes) -> Sequence[int]:
    return [each + _BEGAN_US for each in _int64s(sent)]


def _uuids(sent: bytes) -> Sequence[bytes]:
    return [sent[at : at + 16] for at in range(0, len(sent), 16)]


def _optional(values: Sequence[T], is_there: bytes) -> Sequence[T | None]:
    return [value if there else None for value, there in zip(values, is_there, strict=True)]
