"""The tracking plan: what a type's metadata may hold, and which plans of an operator are taken."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from casino_club.features.actions.rules.plan import (
    INTEGER_MAX,
    TEXT_LENGTH_MAX,
    Checks,
    FieldRule,
    TrackingPlan,
    TypeRule,
    check_of,
    described,
    fault_in,
    fault_in_saying,
    merged,
    open_to_services,
    unnamed_field_in,
)
from casino_club.features.actions.rules.refusals import MetadataInvalid, MetadataMissing, ValueOutOfBounds
from tests.builders.actions import shipped_plan, spin_metadata

UUID_TEXT = "0192f3a0-0000-7000-8000-000000000001"

GOOD: list[tuple[FieldRule, list[Any]]] = [
    (FieldRule("text"), ["", "x" * TEXT_LENGTH_MAX, "한글"]),
    (FieldRule("text", min=1, max=3), ["a", "abc"]),
    (FieldRule("text", one_of=("COIN", "GEM")), ["COIN", "GEM"]),
    (FieldRule("integer"), [0, INTEGER_MAX, -INTEGER_MAX]),
    (FieldRule("integer", min=0, max=10), [0, 10]),
    (FieldRule("number", min=0, max=1), [0, 1, 0.5]),
    (FieldRule("boolean"), [True, False]),
    (FieldRule("uuid"), [UUID_TEXT, UUID_TEXT.upper()]),
]
BAD: list[tuple[FieldRule, list[Any]]] = [
    (FieldRule("text"), [1, True, [], {}, "x" * (TEXT_LENGTH_MAX + 1)]),
    (FieldRule("text", min=1, max=3), ["", "abcd"]),
    (FieldRule("text", max=0), ["a"]),
    (FieldRule("text", one_of=("COIN", "GEM")), ["coin", "", 1, "at `$.other`", "x' - at `$.other`"]),
    (FieldRule("integer"), ["1", True, 1.5, INTEGER_MAX + 1, -INTEGER_MAX - 1, 2**80, [1]]),
    (FieldRule("integer", min=0, max=10), [-1, 11]),
    (FieldRule("number", min=0, max=1), ["0", False, 1.01, -0.1]),
    (FieldRule("boolean"), [0, 1, "true"]),
    (FieldRule("uuid"), ["", "no", UUID_TEXT[:-1], "{" + UUID_TEXT[:34] + "}", "0x" + UUID_TEXT[2:], 1, "٣" * 36]),
]


def fault(rule: FieldRule, held: Any) -> object:
    return fault_in(check_of(TypeRule("x", "user", metadata={"held": rule})), None, {"held": held})


@pytest.mark.parametrize(("rule", "held"), [(rule, held) for rule, many in GOOD for held in many])
def test_a_field_takes_what_its_rule_allows(rule: FieldRule, held: Any) -> None:
    assert fault(rule, held) is None


@pytest.mark.parametrize(("rule", "held"), [(rule, held) for rule, many in BAD for held in many])
def test_a_field_refuses_what_its_rule_does_not_allow_and_names_itself(rule: FieldRule, held: Any) -> None:
    found = fault(rule, held)

    assert isinstance(found, MetadataInvalid)
    assert found.message == f"metadata.held must be {described(rule)}."


def test_a_required_field_is_missed_and_another_is_not() -> None:
    rule = TypeRule("x", "user", metadata={"needed": FieldRule("integer", required=True), "more": FieldRule("text")})

    assert isinstance(fault_in(check_of(rule), None, {}), MetadataMissing)
    assert fault_in(check_of(rule), None, {"needed": 1}) is None
    assert fault_in(check_of(rule), None, {"needed": 1, "more": None}) is None


def test_fields_that_the_rule_does_not_name_are_let_through() -> None:
    assert fault_in(check_of(TypeRule("x", "user")), None, {"anything": [{"deep": 1}]}) is None


@pytest.mark.parametrize(("value", "is_fine"), [(None, True), (0, True), (9, True), (-1, False), (10, False)])
def test_a_value_keeps_within_its_bounds(value: int | None, is_fine: bool) -> None:
    found = fault_in(check_of(TypeRule("x", "user", value_min=0, value_max=9)), value, {})

    assert found is None if is_fine else isinstance(found, ValueOutOfBounds)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.data())
def test_whatever_is_sent_is_taken_or_refused(data: st.DataObject) -> None:
    action_type = data.draw(st.sampled_from(sorted(shipped_plan().types)))
    rule = shipped_plan().types[action_type]
    names = st.sampled_from([*rule.metadata, "unnamed"])
    metadata = data.draw(st.dictionaries(names, json_values | st.sampled_from(["at `$.x`", UUID_TEXT, "COIN"])))

    found = fault_in(check_of(rule), data.draw(st.none() | st.integers(-(2**63), 2**63)), metadata)

    assert found is None or isinstance(found, MetadataInvalid | MetadataMissing | ValueOutOfBounds)


def test_the_shipped_plan_takes_a_spin() -> None:
    check = Checks(shipped_plan()).find("SLOT_SPIN")

    assert check is not None
    assert fault_in(check, None, spin_metadata()) is None
    assert check.rule.is_play
    assert check.holds_round


def test_an_unknown_type_is_refused_or_collected_as_the_plan_says() -> None:
    collecting = Checks(TrackingPlan(1, "collect"))

    assert Checks(TrackingPlan(1)).find("MINE") is None
    found = collecting.find("MINE")
    assert found is not None
    assert not found.rule.is_play
    assert not found.by_user
    assert unnamed_field_in(found, {"whatever": 1}) is None
    for misnamed in ("mine", "1", "", "MINE\n", "A" * 65, "MÍNE", "A\0"):
        assert collecting.find(misnamed) is None


def test_an_operators_types_join_those_of_the_platform() -> None:
    own = TrackingPlan(7, "collect", {"BINGO": TypeRule("x", "user")})

    plan = merged(shipped_plan(), own)

    assert (plan.version, plan.unknown_types) == (7, "collect")
    assert plan.types.keys() == shipped_plan().types.keys() | {"BINGO"}


@pytest.mark.parametrize(
    "types",
    [
        {"SLOT_SPIN": TypeRule("mine now", "user")},
        {"bingo": TypeRule("x", "user")},
        {"BINGO": TypeRule("x", "user", metadata={"with-hyphen": FieldRule("text")})},
        {"BINGO": TypeRule("x", "user", metadata={"__slots__": FieldRule("text")})},
        {"BINGO": TypeRule("x", "user", metadata={"": FieldRule("text")})},
        {"BINGO": TypeRule("x", "user", metadata={"round_id": FieldRule("text")})},
    ],
)
def test_an_operators_plan_that_can_not_work_is_refused(types: dict[str, TypeRule]) -> None:
    with pytest.raises(ValueError, match=r"redefined|upper case|letters|uuid"):
        merged(shipped_plan(), TrackingPlan(1, types=types))


@pytest.mark.parametrize("name", ["class", "self", "from", "a1", "camelCase"])
def test_a_metadata_field_may_have_any_plain_name(name: str) -> None:
    rule = TypeRule("x", "user", metadata={name: FieldRule("integer", required=True)})
    merged(shipped_plan(), TrackingPlan(1, types={"BINGO": rule}))

    assert fault_in(check_of(rule), None, {name: 1}) is None
    assert isinstance(fault_in(check_of(rule), None, {name: "1"}), MetadataInvalid)
    assert isinstance(fault_in(check_of(rule), None, {}), MetadataMissing)


def test_a_plan_with_an_unknown_word_is_no_plan() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(
            {"version": 1, "types": {"A": {"about": "x", "initiated_by": "user", "plays": 1}}}, TrackingPlan
        )


def test_what_only_the_platform_says_is_refused_of_senders_but_comes_with_a_log() -> None:
    plan = TrackingPlan(
        1, types={"EARN": TypeRule("", "user", metadata={"after": FieldRule("integer", platform_only=True)})}
    )
    check, check_of_a_log = check_of(plan.types["EARN"]), check_of(open_to_services(plan).types["EARN"])

    assert isinstance(fault_in_saying(check, {"after": 1}), MetadataInvalid)
    assert fault_in_saying(check, {"before": 1}) is None
    assert fault_in(check, None, {"after": 1}) is None
    assert fault_in_saying(check_of_a_log, {"after": 1}) is None
