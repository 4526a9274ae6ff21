"""Rows of other systems become actions, or a sentence that says what is wrong with them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from casino_club.features.actions.rules.import_report import USERS_MAX, ImportReport
from casino_club.features.actions.rules.mapping import (
    SHAPES_KEPT_MAX,
    FieldMapping,
    Mapper,
    fault_in_columns,
    fault_in_mapping,
)
from casino_club.features.actions.rules.plan import Checks
from casino_club.features.actions.rules.sent import ActionIn, MalformedRow
from tests.builders.actions import shipped_plan

ROW = {"user_id": "7", "action_type": "PURCHASE", "action_timestamp": "2024-05-01T09:30:00+09:00"}
AT = datetime(2024, 5, 1, 0, 30, tzinfo=UTC)


def sent(row: dict[str, Any], **mapping: Any) -> ActionIn | MalformedRow:
    return Mapper(FieldMapping(**mapping), Checks(shipped_plan())).sent(row)


def why(row: dict[str, Any], **mapping: Any) -> str:
    found = sent(row, **mapping)
    assert isinstance(found, MalformedRow), found
    return found.message


def test_text_is_read_as_what_the_field_holds() -> None:
    found = sent({**ROW, "value": "-3", "metadata.amount": "5000", "metadata.note": "12", "client_action_id": ""})

    assert found == ActionIn("PURCHASE", 7, -3, {"amount": 5000, "note": "12"}, AT)


def test_metadata_comes_as_an_object_as_its_text_and_field_by_field() -> None:
    as_object = sent({**ROW, "metadata": {"amount": 1, "shop": "a"}, "metadata.amount": 2})
    as_text = sent({**ROW, "metadata": '{"amount": 1, "shop": "a"}', "metadata.amount": 2})

    assert isinstance(as_text, ActionIn)
    assert as_text == as_object
    assert as_text.metadata == {"amount": 2, "shop": "a"}


def test_a_column_may_hold_two_fields_and_values_may_have_other_names() -> None:
    found = sent(
        {**ROW, "action_type": "kauf", "ref": "x1"},
        columns={"client_action_id": "ref", "metadata.ref": "ref"},
        values={"action_type": {"kauf": "PURCHASE"}},
        constants={"metadata.amount": 10, "value": 4},
    )

    assert isinstance(found, ActionIn)
    assert (found.action_type, found.metadata, found.value) == ("PURCHASE", {"amount": 10, "ref": "x1"}, 4)
    assert isinstance(found.client_action_id, UUID)


@pytest.mark.parametrize(
    ("text", "mapping"),
    [
        ("2024-05-01 09:30:00", {"zone": "Asia/Seoul"}),
        ("2024-05-01T00:30:00Z", {}),
        ("1714523400", {"time": "seconds"}),
        (1_714_523_400_000, {"time": "milliseconds"}),
        ("1714523400000000", {"time": "microseconds"}),
        ("01.05.2024 09:30", {"time": "%d.%m.%Y %H:%M", "zone": "Asia/Seoul"}),
        (AT, {}),
        (AT.replace(tzinfo=None), {"zone": "UTC"}),
    ],
)
def test_a_time_is_read_in_the_form_that_was_named(text: Any, mapping: dict[str, str]) -> None:
    found = sent({**ROW, "action_timestamp": text}, **mapping)

    assert isinstance(found, ActionIn), found
    assert found.action_timestamp == AT


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "no time": ({"action_timestamp": ""}, "Action_timestamp is missing; an import does not take the present for it."),
    "no zone": ({"action_timestamp": "2024-05-01T09:30:00"}, "Action_timestamp names no time zone"),
    "another form": ({"action_timestamp": "1.5.2024"}, "'1.5.2024' in action_timestamp is no time in the form 'iso'."),
    "a number for a time": ({"action_timestamp": 12}, "'12' in action_timestamp is no time in the form 'iso'."),
    "a user with a name": ({"user_id": "kim"}, "Expected `int | null`, got `str` - at `$.user_id`."),
    "user zero": ({"user_id": "0"}, "Expected `int` >= 1 - at `$.user_id`."),
    "metadata of another kind": ({"metadata": "[1]"}, "Metadata is no JSON object"),
    "a strange column": ({"colour": "red"}, "Column 'colour' is neither mapped nor ignored."),
}


@pytest.mark.parametrize("what", FAULTS)
def test_what_is_wrong_is_one_sentence(what: str) -> None:
    changes, sentence = FAULTS[what]

    assert why({**ROW, **changes}).startswith(sentence)


@given(st.dictionaries(st.sampled_from([*ROW, "value", "metadata", "metadata.amount", "client_action_id"]), st.text()))
def test_no_text_makes_it_fail(row: dict[str, str]) -> None:
    sent(row)
    sent(row, time="seconds", zone="Asia/Seoul")
    sent(row, time="%Y%m%d")


def test_rows_may_differ_in_their_columns_and_in_the_order_of_them() -> None:
    mapper = Mapper(FieldMapping(), Checks(shipped_plan()))
    turned = dict(reversed({**ROW, "metadata.note": "a"}.items()))

    found = [mapper.sent(row) for row in (ROW, turned, {**ROW, "value": 3}, ROW)]

    plain = ActionIn("PURCHASE", 7, None, {}, AT)
    assert found == [plain, replace(plain, metadata={"note": "a"}), replace(plain, value=3), plain]


def test_a_file_of_more_shapes_than_are_remembered_is_read_all_the_same() -> None:
    mapper = Mapper(FieldMapping(), Checks(shipped_plan()))
    rows = [{**ROW, f"metadata.note{number}": "a"} for number in range(SHAPES_KEPT_MAX + 2)]

    found = [mapper.sent(row) for row in (*rows, *rows[:2])]

    assert [each.metadata for each in found if isinstance(each, ActionIn)] == [
        {f"note{number}": "a"} for number in (*range(len(rows)), 0, 1)
    ]


def test_a_field_that_does_not_exist_and_a_zone_that_does_not_are_named() -> None:
    assert "'who' in columns is no field" in str(fault_in_mapping(FieldMapping(columns={"who": "a"})))
    assert "'metadata.' in constants" in str(fault_in_mapping(FieldMapping(constants={"metadata.": 1})))
    assert "'Mars/Base' is no time zone" in str(fault_in_mapping(FieldMapping(zone="Mars/Base")))
    assert fault_in_mapping(FieldMapping(columns={"metadata.x": "a"}, zone="UTC")) is None


def test_columns_that_are_missing_and_those_left_over_are_named() -> None:
    assert fault_in_columns(FieldMapping(), list(ROW)) is None
    assert "no column 'who' for user_id" in str(fault_in_columns(FieldMapping(columns={"user_id": "who"}), list(ROW)))
    assert "nothing is said of note" in str(fault_in_columns(FieldMapping(), [*ROW, "note"]))
    assert fault_in_columns(FieldMapping(ignore=("note",)), [*ROW, "note", "refused_code"]) is None
    constant = FieldMapping(constants={"action_type": "LOGIN"})
    assert fault_in_columns(constant, ["user_id", "action_timestamp"]) is None


def test_users_are_counted_exactly_at_first_and_about_right_later() -> None:
    report = ImportReport()

    report.see_users(range(1, USERS_MAX))
    few = (report.users, report.users_are_counted)
    for start in range(1, 200_000, 1_000):
        report.see_users(range(start, start + 2_000))

    assert few == (USERS_MAX - 1, True)
    assert 0.9 < report.users / 200_999 < 1.1
    assert (len(report.least_hashes), report.users_are_counted) == (USERS_MAX, False)
