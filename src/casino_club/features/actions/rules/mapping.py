"""How the columns of somebody else's file become actions: which holds which field, and how values are to be read."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import Annotated, Any, Literal, NamedTuple
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
_NOTHING = (None, "")
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


SHAPES_KEPT_MAX = 1_000


class _Shape(NamedTuple):
    """What rows hold that have the same columns: first these fields, then this metadata."""

    fields: Sequence[str]
    metadata: Sequence[str]
    held_in: Callable[[Mapping[str, Any]], Sequence[Any]]

    def of(self, row: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Fields and metadata of which the row says something."""
        held = self.held_in(row)
        fields = dict(zip(self.fields, held, strict=False))
        metadata = dict(zip(self.metadata, held[len(self.fields) :], strict=True))
        if None in held or "" in held:
            return _said(fields), _said(metadata)
        return fields, metadata


class Mapper:
    """Makes actions of rows."""

    def __init__(self, mapping: FieldMapping, checks: Checks) -> None:
        self._mapping = mapping
        self._checks = checks
        self._zone = ZoneInfo(mapping.zone) if mapping.zone else None
        self._shapes: dict[tuple[str, ...], _Shape] = {}
        self._readers: dict[str, list[tuple[str, Callable[[str], Any]]]] = {}

    def sent(self, row: Mapping[str, Any]) -> ActionIn | MalformedRow:
        """The action that a row means, or what keeps it from being one."""
        try:
            columns = tuple(row)
            fields, metadata = (self._shapes.get(columns) or self._learned(columns)).of(row)
            if self._mapping.values or self._mapping.constants:
                fields, metadata = self._meant(fields, metadata)
            return self._action(fields, metadata)
        except ValueError as fault:  # What msgspec raises is one, too.
            return MalformedRow(_sentence(str(fault)), b"")

    def _learned(self, columns: tuple[str, ...]) -> _Shape:
        """What rows of these columns mean, remembered. Raises ValueError for a column that means nothing."""
        fields: dict[str, str] = {}
        metadata: dict[str, str] = {}
        for column in columns:
            meant = _fields_of(self._mapping, column)
            if not meant and not _is_left_out(self._mapping, column):
                raise ValueError(f"column {column[:100]!r} is neither mapped nor ignored")
            for field in meant:
                if field.startswith(IN_METADATA):
                    metadata[field.removeprefix(IN_METADATA)] = column
                else:
                    fields[field] = column
        if len(self._shapes) >= SHAPES_KEPT_MAX:
            self._shapes.clear()
        shape = self._shapes[columns] = _Shape(
            tuple(fields), tuple(metadata), _taken_from((*fields.values(), *metadata.values()))
        )
        return shape

    def _meant(self, fields: dict[str, Any], metadata: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Values as they are meant, and constants where there are none."""
        found = fields | {f"{IN_METADATA}{name}": held for name, held in metadata.items()}
        for field, meanings in self._mapping.values.items():
            if field in found:
                found[field] = meanings.get(str(found[field]), found[field])
        found = self._mapping.constants | found
        plain = {field: held for field, held in found.items() if not field.startswith(IN_METADATA)}
        return plain, {field[len(IN_METADATA) :]: held for field, held in found.items() if field not in plain}

    def _action(self, fields: dict[str, Any], metadata: dict[str, Any]) -> ActionIn:
        at = fields.get("action_timestamp")
        if at is None:
            raise ValueError("action_timestamp is missing; an import does not take the present for it")
        fields["action_timestamp"] = self._moment(at)
        if "metadata" in fields:
            metadata = {**_object(fields["metadata"]), **metadata}
        for name, read in self._readers_of(fields.get("action_type")):
            if type(metadata.get(name)) is str:
                metadata[name] = read(metadata[name])
        fields["metadata"] = metadata
        try:
            return msgspec.convert(fields, ActionIn, strict=False)
        except msgspec.ValidationError as fault:
            if not str(fault).endswith("`$.client_action_id`"):
                raise
        fields["client_action_id"] = derived_uuid("import", str(fields["client_action_id"]))
        return msgspec.convert(fields, ActionIn, strict=False)

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
            raise ValueError(f"{str(at)[:50]!r} in action_timestamp is no time in the form {form!r}") from fault

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


def _taken_from(columns: Sequence[str]) -> Callable[[Mapping[str, Any]], Sequence[Any]]:
    """Takes what a row holds in these columns."""
    return itemgetter(*columns) if len(columns) > 1 else lambda row: [row[column] for column in columns]


def _said(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: held for name, held in fields.items() if held not in _NOTHING}


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
