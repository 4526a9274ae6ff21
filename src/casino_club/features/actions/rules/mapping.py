"""How the columns of somebody else's file become actions: which holds which field, and how values are to be read."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from casino_club.features.actions.rules.plan import Checks
from casino_club.features.actions.rules.sent import ActionIn, MalformedRow
from casino_club.kernel.clock import SECOND_US, from_us
from casino_club.kernel.ids import derived_uuid

FIELDS = ("user_id", "action_type", "value", "metadata", "action_timestamp", "client_action_id")
NEEDED = ("user_id", "action_type", "action_timestamp")
IN_METADATA = "metadata."
NOTES_OF_REFUSAL = "refused_"
"""Columns that say why a row was refused the last time; they are left out when it is imported again."""

TICKS_US = {"seconds": SECOND_US, "milliseconds": 1_000, "microseconds": 1}
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32}")
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}


class FieldMapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the operator says about a file. A field that is not named here is looked for under its own name."""

    columns: dict[str, str] = {}
    """Which column holds a field; `metadata.x` is a field as well."""
    constants: dict[str, Any] = {}
    """What a field holds where the row says nothing."""
    values: dict[str, dict[str, Any]] = {}
    """Of a field: what stands in the file, and what it means."""
    ignore: tuple[str, ...] = ()
    """Columns to be left out."""
    format: Literal["csv", "jsonl", "parquet"] | None = None
    """What the file is, if its name does not say so."""
    delimiter: Annotated[str, msgspec.Meta(min_length=1, max_length=1)] | None = None
    """What stands between the cells of a CSV file."""
    time: str = "iso"
    """`iso`; `seconds`, `milliseconds` or `microseconds` since 1970; or a pattern such as `%d.%m.%Y %H:%M`."""
    zone: str | None = None
    """The time zone of times that name none."""


OF_THE_LOG = FieldMapping(
    ignore=(
        *("id", "xact", "appended_at", "scope", "round_id", "is_play", "by_user"),
        *("streak", "day_plays", "last_play_at", "last_action_at"),
    )
)
"""For files that were exported from a log: what follows from the action is worked out again."""


def fault_in_mapping(mapping: FieldMapping) -> str | None:
    """What makes a mapping unusable, or None."""
    for part in ("columns", "constants", "values"):
        for field in getattr(mapping, part):
            if field not in FIELDS and not (field.startswith(IN_METADATA) and field != IN_METADATA):
                return f"{field!r} in {part} is no field; there are {', '.join(FIELDS)}, and metadata.NAME."
    if mapping.zone and not _is_zone(mapping.zone):
        return f"{mapping.zone!r} is no time zone; try Asia/Seoul."
    return None


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        return False
    return True


def fault_in_columns(mapping: FieldMapping, columns: Sequence[str]) -> str | None:
    """What is missing from a file's columns or is left over, or None."""
    named = {field: mapping.columns.get(field, field) for field in (*NEEDED, *mapping.columns)}
    for field, column in named.items():
        if column not in columns and field not in mapping.constants:
            return (
                f"no column {column!r} for {field}; there are {', '.join(columns)}: name it with --map {field}=COLUMN."
            )
    left = [column for column in columns if not _fields_of(mapping, column) and not _is_left_out(mapping, column)]
    if left:
        return (
            f"nothing is said of {', '.join(left)}: keep a column with --map metadata.NAME={left[0]}, "
            f"or name it under `ignore` in a mapping file."
        )
    return None


class _Place(NamedTuple):
    """Where what a column holds goes to."""

    field: str
    in_metadata: bool
    meanings: Mapping[str, Any]


class Mapper:
    """Makes actions of rows."""

    def __init__(self, mapping: FieldMapping, checks: Checks) -> None:
        self._mapping = mapping
        self._checks = checks
        self._zone = ZoneInfo(mapping.zone) if mapping.zone else None
        self._places: dict[str, tuple[_Place, ...] | None] = {}
        self._readers: dict[str, list[tuple[str, Callable[[str], Any]]]] = {}
        plain = {field: held for field, held in mapping.constants.items() if not field.startswith(IN_METADATA)}
        self._constants: dict[str, Any] = plain
        self._metadata = {f[len(IN_METADATA) :]: held for f, held in mapping.constants.items() if f not in plain}

    def sent(self, row: Mapping[str, Any]) -> ActionIn | MalformedRow:
        """The action that a row means, or what keeps it from being one."""
        fields, metadata = dict(self._constants), dict(self._metadata)
        places_of = self._places
        for column, held in row.items():
            if held is None or held == "":
                continue
            places = places_of[column] if column in places_of else self._placed(column)
            if places is None:
                return MalformedRow(f"Column {column[:100]!r} is neither mapped nor ignored.", b"")
            for field, in_metadata, meanings in places:
                meant = meanings.get(str(held), held) if meanings else held
                if in_metadata:
                    metadata[field] = meant
                else:
                    fields[field] = meant
        try:
            return self._action(fields, metadata)
        except ValueError as fault:  # What msgspec raises is one, too.
            return MalformedRow(_sentence(str(fault)), b"")

    def _action(self, fields: dict[str, Any], metadata: dict[str, Any]) -> ActionIn:
        at = fields.get("action_timestamp")
        if at is None:
            raise ValueError("action_timestamp is missing; an import does not take the present for it")
        fields["action_timestamp"] = self._moment(at)
        client_id = fields.get("client_action_id")
        if client_id is not None and not isinstance(client_id, UUID) and not _UUID.fullmatch(str(client_id)):
            fields["client_action_id"] = derived_uuid("import", str(client_id))
        if "metadata" in fields:
            metadata = {**_object(fields["metadata"]), **metadata}
        for name, read in self._readers_of(fields.get("action_type")):
            if type(metadata.get(name)) is str:
                metadata[name] = read(metadata[name])
        fields["metadata"] = metadata
        return msgspec.convert(fields, ActionIn, strict=False)

    def _placed(self, column: str) -> tuple[_Place, ...] | None:
        fields = _fields_of(self._mapping, column)
        places = tuple(
            _Place(field.removeprefix(IN_METADATA), field.startswith(IN_METADATA), self._mapping.values.get(field, {}))
            for field in fields
        )
        self._places[column] = places if places or _is_left_out(self._mapping, column) else None
        return self._places[column]

    def _moment(self, at: Any) -> datetime:
        """The instant that is meant."""
        read = at if isinstance(at, datetime) else self._read_time(at)
        if read.tzinfo is not None:
            return read
        if self._zone is None:
            raise ValueError("action_timestamp names no time zone; say which is meant as `zone` in a mapping file")
        return read.replace(tzinfo=self._zone).astimezone(UTC)

    def _read_time(self, at: Any) -> datetime:
        form = self._mapping.time
        try:
            if form in TICKS_US:
                return from_us(round(float(at) * TICKS_US[form]) if not isinstance(at, int) else at * TICKS_US[form])
            return datetime.fromisoformat(at) if form == "iso" else datetime.strptime(at, form)  # noqa: DTZ007 - the zone is seen to
        except (ValueError, TypeError, OverflowError) as fault:
            raise ValueError(f"action_timestamp {str(at)[:50]!r} is no time in the form {form!r}") from fault

    def _readers_of(self, action_type: Any) -> list[tuple[str, Callable[[str], Any]]]:
        """How text is read where the tracking plan wants another type."""
        if not isinstance(action_type, str):
            return []
        known = self._readers.get(action_type)
        if known is None:
            check = self._checks.find(action_type)
            fields = check.rule.metadata.items() if check else ()
            known = [(name, _READERS[field.type]) for name, field in fields if field.type in _READERS]
            if check:
                self._readers[action_type] = known
        return known


def _fields_of(mapping: FieldMapping, column: str) -> list[str]:
    """The fields that a column holds: those that name it, or the one that is called so."""
    named = [field for field, chosen in mapping.columns.items() if chosen == column]
    is_field = column in FIELDS or column.startswith(IN_METADATA)
    return named or ([column] if is_field and column not in mapping.columns else [])


def _is_left_out(mapping: FieldMapping, column: str) -> bool:
    return column in mapping.ignore or column.startswith(NOTES_OF_REFUSAL)


def _object(held: Any) -> dict[str, Any]:
    """Metadata as a JSON object, or its text."""
    if isinstance(held, dict):
        return held
    try:
        return msgspec.json.decode(held, type=dict[str, Any])
    except (ValueError, TypeError, RecursionError) as fault:
        raise ValueError(f"metadata is no JSON object: {fault}") from fault


def _integer(text: str) -> int | str:
    try:
        return int(text)
    except ValueError:
        return text


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _boolean(text: str) -> bool | str:
    return _BOOLEANS.get(text.lower(), text)


_READERS: dict[str, Callable[[str], Any]] = {"integer": _integer, "number": _number, "boolean": _boolean}


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:500]}."
