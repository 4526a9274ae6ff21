"""The tracking plan: which action types exist, who may send them, and what their metadata must hold."""

import re
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

import msgspec
from msgspec import Meta

from casino_club.features.actions.rules.refusals import MetadataInvalid, MetadataMissing, ValueOutOfBounds
from casino_club.kernel.errors import Refused

Sender = Literal["client", "service"]
"""`client` is a user's own app; `service` a program with a key. The platform's own commands may append any type."""

TYPE_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,63}\Z")
FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}\Z")
_MISSING_FIELD = re.compile(r"Object missing required field `(\w+)`\Z")
_WRONG_FIELD = re.compile(r" - at `\$\.(\w+)`\Z")
"""Only at the end of what msgspec says, since what was sent may stand before it."""
TEXT_LENGTH_MAX = 1_000
INTEGER_MAX = 2**53 - 1
"""Larger integers lose digits in every JavaScript client."""


class FieldRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one metadata field may hold. `min` and `max` bound numbers, and the length of a text."""

    type: Literal["text", "integer", "number", "boolean", "uuid"]
    required: bool = False
    min: int | None = None
    max: int | None = None
    one_of: tuple[str, ...] = ()
    platform_only: bool = False
    """Whether only our own commands may say it, whoever else may send the type."""
    about: str = ""


class TypeRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One action type. Metadata fields that it does not name are a service's alone to send, and kept as they are."""

    about: str
    initiated_by: Literal["user", "system"]
    senders: tuple[Sender, ...] = ()
    is_play: bool = False
    metadata: dict[str, FieldRule] = {}
    value_min: int = -INTEGER_MAX
    value_max: int = INTEGER_MAX


class TrackingPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All types. Unknown ones are refused, or collected as the client's own if the operator wants to see them."""

    version: int
    unknown_types: Literal["refuse", "collect"] = "refuse"
    types: dict[str, TypeRule] = {}


COLLECTED = TypeRule(about="A type that the plan does not name.", initiated_by="system", senders=("client", "service"))
"""Collected rows count nowhere: nobody has said yet what they mean."""


def merged(shipped: TrackingPlan, own: TrackingPlan) -> TrackingPlan:
    """The shipped plan with the operator's own types; a type of the platform can't be redefined."""
    redefined = sorted(shipped.types.keys() & own.types.keys())
    if redefined:
        raise ValueError(f"these types belong to the platform and can't be redefined: {', '.join(redefined)}")
    misnamed = sorted(name for name in own.types if not TYPE_NAME.match(name))
    if misnamed:
        raise ValueError(f"type names are upper case letters, digits and underscores: {', '.join(misnamed)}")
    fields = sorted(name for rule in own.types.values() for name in rule.metadata if not FIELD_NAME.match(name))
    if fields:
        raise ValueError(f"metadata fields are letters, digits and underscores, a letter first: {', '.join(fields)}")
    rounds = sorted(name for name, rule in own.types.items() if "round_id" in rule.metadata and not _holds_round(rule))
    if rounds:
        raise ValueError(f"metadata.round_id is a uuid wherever it is named: {', '.join(rounds)}")
    return TrackingPlan(own.version, own.unknown_types, {**shipped.types, **own.types})


def open_to_services(plan: TrackingPlan) -> TrackingPlan:
    """The plan under which services may send every type, as for rows that come from a log."""
    types = {name: _open_to_services(rule) for name, rule in plan.types.items()}
    return msgspec.structs.replace(plan, types=types)


def _open_to_services(rule: TypeRule) -> TypeRule:
    metadata = {name: msgspec.structs.replace(field, platform_only=False) for name, field in rule.metadata.items()}
    return msgspec.structs.replace(rule, senders=("service",), metadata=metadata)


class Check(NamedTuple):
    """A type's rule, with the shape that its metadata must have, made once."""

    rule: TypeRule
    shape: type[msgspec.Struct]
    by_user: bool
    holds_round: bool
    """Whether its rows can belong to a round of several."""
    platform_only: frozenset[str]
    """Metadata that no sender may say."""
    named: frozenset[str]
    """The metadata fields that the rule names."""


class Checks:
    """The checks of every type that a plan lets in."""

    def __init__(self, plan: TrackingPlan) -> None:
        self._by_type = {name: check_of(rule) for name, rule in plan.types.items()}
        self._of_unknown = check_of(COLLECTED) if plan.unknown_types == "collect" else None

    def find(self, action_type: str) -> Check | None:
        """The check of a type; None if the plan neither names nor collects it."""
        check = self._by_type.get(action_type)
        if check is None and self._of_unknown is not None and TYPE_NAME.match(action_type):
            return self._of_unknown
        return check


def check_of(rule: TypeRule) -> Check:
    """Make the shape of a type's metadata. Fields that the rule does not name are let through."""
    fields = [
        (name, _held(field)) if field.required else (name, _held(field) | None, None)
        for name, field in rule.metadata.items()
    ]
    shape = msgspec.defstruct("Metadata", fields, kw_only=True, gc=False)
    platform_only = frozenset(name for name, field in rule.metadata.items() if field.platform_only)
    return Check(rule, shape, rule.initiated_by == "user", _holds_round(rule), platform_only, frozenset(rule.metadata))


def _holds_round(rule: TypeRule) -> bool:
    return "round_id" in rule.metadata and rule.metadata["round_id"].type == "uuid"


def fault_in_saying(check: Check, metadata: dict[str, Any]) -> Refused | None:
    """What of this no sender may say, or None."""
    told = sorted(check.platform_only & metadata.keys())
    return MetadataInvalid(f"metadata.{told[0]} is said by the platform alone; leave it out.") if told else None


def fault_in(check: Check, value: int | None, metadata: dict[str, Any]) -> Refused | None:
    """The first thing that breaks the type's rule, or None."""
    rule = check.rule
    if value is not None and not rule.value_min <= value <= rule.value_max:
        return ValueOutOfBounds(f"value must lie between {rule.value_min} and {rule.value_max}.")
    try:
        msgspec.convert(metadata, check.shape)
    except msgspec.ValidationError as fault:
        return _metadata_fault(rule, str(fault))
    return None


def unnamed_field_in(check: Check, metadata: dict[str, Any]) -> Refused | None:
    """A field that the type's rule does not name. Of a type that is merely collected, no fields are known."""
    if check.named.issuperset(metadata) or check.rule is COLLECTED:
        return None
    unnamed = min(metadata.keys() - check.named)
    return MetadataInvalid(f"metadata.{unnamed[:64]} is not in the tracking plan; a user's app sends what it names.")


def _metadata_fault(rule: TypeRule, found: str) -> Refused:
    """Our words for what msgspec found: it names the field, the rule says what the field may hold."""
    missing = _MISSING_FIELD.match(found)
    if missing is not None:
        return MetadataMissing(f"metadata.{missing[1]} ({rule.metadata[missing[1]].type}) is required.")
    wrong = _WRONG_FIELD.search(found)
    assert wrong is not None, found
    return MetadataInvalid(f"metadata.{wrong[1]} must be {described(rule.metadata[wrong[1]])}.")


def described(field: FieldRule) -> str:
    """What a field may hold, for an error text and for the reference page."""
    if field.one_of:
        return "one of " + ", ".join(field.one_of)
    article = "an" if field.type == "integer" else "a"
    bounds = [f"at least {field.min}"] * (field.min is not None) + [f"at most {field.max}"] * (field.max is not None)
    length = " of length" if field.type == "text" and bounds else ""
    return " ".join(filter(None, (f"{article} {field.type}{length}", " and ".join(bounds))))


def _held(field: FieldRule) -> Any:
    """The type of one field's values, bounds included."""
    if field.one_of:
        return Literal[field.one_of]
    if field.type == "text":
        most = TEXT_LENGTH_MAX if field.max is None else min(field.max, TEXT_LENGTH_MAX)
        return Annotated[str, Meta(min_length=field.min, max_length=most)]
    if field.type == "integer":
        least = -INTEGER_MAX if field.min is None else field.min
        return Annotated[int, Meta(ge=least, le=INTEGER_MAX if field.max is None else field.max)]
    if field.type == "number":
        return Annotated[float, Meta(ge=field.min, le=field.max)]
    return bool if field.type == "boolean" else UUID
