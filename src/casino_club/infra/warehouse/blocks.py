"""Rows as columns in ClickHouse's Native format, which the server takes as they are. A block is inserted as one."""

from array import array
from collections.abc import Iterable, Sequence

import msgspec

from casino_club.infra.ports import Block

_DAYS_CODE, _INT32, _INT64, _UINT64 = "H", "i", "q", "Q"


class Column(msgspec.Struct, frozen=True):
    """A named column, encoded. The server converts the type to that of the table where the two differ."""

    name: str
    type: str
    data: bytes


def block(columns: Sequence[Column], row_count: int) -> Block:
    """These columns as one block."""
    parts = [_length(len(columns)), _length(row_count)]
    for column in columns:
        parts += (_text(column.name), _text(column.type), column.data)
    return Block([column.name for column in columns], b"".join(parts), row_count)


def int64(name: str, values: Iterable[int]) -> Column:
    return Column(name, "Int64", array(_INT64, values).tobytes())


def int32(name: str, values: Iterable[int]) -> Column:
    return Column(name, "Int32", array(_INT32, values).tobytes())


def flags(name: str, values: Iterable[bool]) -> Column:
    return Column(name, "UInt8", bytes(values))


def optional_int64(name: str, values: Sequence[int | None]) -> Column:
    """What is missing is NULL."""
    missing = bytes([value is None for value in values])
    return Column(name, "Nullable(Int64)", missing + array(_INT64, [value or 0 for value in values]).tobytes())


def days(name: str, values: Iterable[int]) -> Column:
    """Days since 1970."""
    return Column(name, "Date", array(_DAYS_CODE, values).tobytes())


def instants(name: str, values: Iterable[int]) -> Column:
    """Microseconds since 1970."""
    return Column(name, "DateTime64(6, 'UTC')", array(_INT64, values).tobytes())


def texts(name: str, values: Sequence[str]) -> Column:
    encoded = [value.encode() for value in values]
    lengths = {size: _length(size) for size in set(map(len, encoded))}
    return Column(name, "String", b"".join([part for each in encoded for part in (lengths[len(each)], each)]))


def words(name: str, values: Sequence[str]) -> Column:
    """Texts of which there are few different ones."""
    parts = {value: _text(value) for value in set(values)}
    return Column(name, "String", b"".join([parts[value] for value in values]))


def uuids(name: str, values: Iterable[bytes | None]) -> Column:
    """What is missing is zero. The server keeps two words of eight bytes, each the other way round."""
    words = array(_UINT64, b"".join([value or _NO_UUID for value in values]))
    words.byteswap()
    return Column(name, "UUID", words.tobytes())


_NO_UUID = bytes(16)


def _text(text: str) -> bytes:
    encoded = text.encode()
    return _length(len(encoded)) + encoded


def _length(number: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    parts = bytearray()
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    parts.append(number)
    return bytes(parts)
