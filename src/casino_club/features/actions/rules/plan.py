"""The tracking plan: which action types exist, who may send them, and what their metadata must hold."""

import re
from typing import Any, Literal
from uuid import UUID

import msgspec

from casino_club.features.actions.rules.refusals import MetadataInvalid, MetadataMissing, ValueOutOfBounds
from casino_club.kernel.errors import Refused

Sender = Literal["client", "service"]
"""`client` is a user's own app; `service` a program with a key. The platform's own commands may append any type."""

TYPE_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,63}\Z")
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
    about: str = ""


class TypeRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One action type. Metadata fields that it does not name are kept as they are."""

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
    return TrackingPlan(own.version, own.unknown_types, {**shipped.types, **own.types})


def rule_for(plan: TrackingPlan, action_type: str) -> TypeRule | None:
    """The rule of a type; None if the plan neither names nor collects it."""
    rule = plan.types.get(action_type)
    if rule is None and plan.unknown_types == "collect" and TYPE_NAME.match(action_type):
        return COLLECTED
    return rule


def fault_in(rule: TypeRule, value: int | None, metadata: dict[str, Any]) -> Refused | None:
    """The first thing that breaks the type's rule, or None."""
    if value is not None and not rule.value_min <= value <= rule.value_max:
        return ValueOutOfBounds(f"value must lie between {rule.value_min} and {rule.value_max}.")
    for name, field in rule.metadata.items():
        held = metadata.get(name)
        if held is None:
            if field.required:
                return MetadataMissing(f"metadata.{name} ({field.type}) is required.")
        elif not _fits(field, held):
            return MetadataInvalid(f"metadata.{name} must be {described(field)}.")
    return None


def described(field: FieldRule) -> str:
    """What a field may hold, for an error text and for the reference page."""
    if field.one_of:
        return "one of " + ", ".join(field.one_of)
    article = "an" if field.type == "integer" else "a"
    bounds = [f"at least {field.min}"] * (field.min is not None) + [f"at most {field.max}"] * (field.max is not None)
    length = " of length" if field.type == "text" and bounds else ""
    return " ".join(filter(None, (f"{article} {field.type}{length}", " and ".join(bounds))))


def _fits(field: FieldRule, held: object) -> bool:
    kind = field.type
    if kind == "integer":
        return type(held) is int and _within(field, held) and -INTEGER_MAX <= held <= INTEGER_MAX
    if kind == "text":
        if type(held) is not str or len(held) > TEXT_LENGTH_MAX:
            return False
        return held in field.one_of if field.one_of else _within(field, len(held))
    if kind == "number":
        return isinstance(held, int | float) and type(held) is not bool and _within(field, held)
    if kind == "boolean":
        return type(held) is bool
    return type(held) is str and _is_uuid(held)


def _within(field: FieldRule, measure: float) -> bool:
    return (field.min is None or measure >= field.min) and (field.max is None or measure <= field.max)


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return len(text) == len("00000000-0000-0000-0000-000000000000")
