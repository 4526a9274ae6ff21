"""Whatever a sender sends becomes a row or a refusal, never an error; repetitions are known by what was sent."""

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casino_club.features.actions.rules import refusals
from casino_club.features.actions.rules.admission import (
    METADATA_BYTES_MAX,
    USERS_SCOPE,
    Admission,
    ReadyRow,
    stored_metadata,
    users_key,
)
from casino_club.features.actions.rules.plan import FieldRule, TrackingPlan, TypeRule
from casino_club.features.actions.rules.sent import ActionIn, MalformedRow, decoded_action
from casino_club.kernel.clock import to_us
from casino_club.kernel.errors import Refused
from casino_club.kernel.subject import ServiceSubject, Subject, UserSubject
from tests.builders.actions import NOON, SERVICE, a_policy, spin_metadata

USER = UserSubject(5)
CLIENT_ID = UUID("0192f3a0-0000-7000-8000-000000000001")


def verdict(body: bytes | dict[str, Any], subject: Subject = SERVICE, *, now: datetime = NOON) -> ReadyRow | Refused:
    sent = decoded_action(body if isinstance(body, bytes) else json.dumps(body).encode())
    if isinstance(sent, MalformedRow):
        return refusals.InvalidAction(sent.message)
    return Admission(subject, now_us=to_us(now), policy=a_policy()).judge(sent)


def row(body: bytes | dict[str, Any], subject: Subject = SERVICE, *, now: datetime = NOON) -> ReadyRow:
    found = verdict(body, subject, now=now)
    assert isinstance(found, ReadyRow), found
    return found


def view(**changes: Any) -> dict[str, Any]:
    return {"action_type": "VIEW_CONTENT", "user_id": 1, "client_action_id": str(CLIENT_ID), **changes}


def test_a_users_app_sends_no_fields_that_the_plan_does_not_name() -> None:
    sent = view(metadata={"content_id": "a", "email": "minji@example.org"})
    del sent["user_id"]

    found = verdict(sent, USER)

    assert isinstance(found, refusals.MetadataInvalid)
    assert "metadata.email" in found.message
    assert isinstance(verdict(view(metadata=sent["metadata"])), ReadyRow)


def test_an_admitted_spin_is_all_that_was_sent() -> None:
    metadata = spin_metadata(random.Random(1))

    found = row({"action_type": "SLOT_SPIN", "user_id": 7, "metadata": metadata, "value": -3})

    assert (found.user_id, found.scope, found.key, found.client_action_id) == (7, 100, None, None)
    assert (found.value, found.at_us, found.is_play, found.by_user) == (-3, to_us(NOON), True, True)
    assert json.loads(found.metadata) == metadata
    assert found.round_id == UUID(metadata["round_id"]).bytes


REFUSED: list[tuple[dict[str, Any], Subject, type[Refused]]] = [
    (view(user_id=None), SERVICE, refusals.UserIdMissing),
    (view(user_id=6), USER, refusals.NotYourUser),
    (view(action_type="NO_SUCH"), SERVICE, refusals.UnknownActionType),
    (view(action_type="A\0"), SERVICE, refusals.UnknownActionType),
    ({"action_type": "SLOT_SPIN", "metadata": spin_metadata()}, USER, refusals.SenderNotAllowed),
    (view(action_type="SEGMENT_CHANGED"), SERVICE, refusals.SenderNotAllowed),
    (view(action_timestamp="2026-11-20T03:05:01Z"), SERVICE, refusals.TimestampInFuture),
    (view(action_timestamp="9999-12-31T23:59:59-14:00"), SERVICE, refusals.TimestampInFuture),
    (view(action_timestamp="2026-08-22T02:59:59Z"), SERVICE, refusals.TimestampTooOld),
    (view(action_timestamp="0001-01-01T00:00:00+14:00"), SERVICE, refusals.TimestampTooOld),
    (view(value=2**53), SERVICE, refusals.ValueOutOfBounds),
    (view(action_type="SLOT_SPIN", metadata={}), SERVICE, refusals.MetadataMissing),
    (view(metadata={"seconds": -1}), SERVICE, refusals.MetadataInvalid),
    (view(metadata={"x": "a" * METADATA_BYTES_MAX}), SERVICE, refusals.MetadataTooLarge),
    (view(metadata={"x": "a\0"}), SERVICE, refusals.MetadataInvalid),
    (view(metadata={"\0": 1}), SERVICE, refusals.MetadataInvalid),
    (view(metadata={"x": "\\\0"}), SERVICE, refusals.MetadataInvalid),
    (view(user_id=0), SERVICE, refusals.InvalidAction),
    (view(user_id=2**63), SERVICE, refusals.InvalidAction),
    (view(value=1.5), SERVICE, refusals.InvalidAction),
    (view(value=2**63), SERVICE, refusals.InvalidAction),
    (view(action_timestamp="2026-11-20T03:00:00"), SERVICE, refusals.InvalidAction),
    (view(client_action_id="no uuid"), SERVICE, refusals.InvalidAction),
    (view(surprise=1), SERVICE, refusals.InvalidAction),
]


@pytest.mark.parametrize(("body", "subject", "refusal"), REFUSED)
def test_the_first_reason_against_an_action_is_its_refusal(
    body: dict[str, Any], subject: Subject, refusal: type[Refused]
) -> None:
    assert type(verdict(body, subject)) is refusal


@pytest.mark.parametrize("edge", ["2026-11-20T03:05:00Z", "2026-08-22T03:00:00Z", "2026-11-20T12:00:00+09:00"])
def test_times_at_the_edge_are_taken(edge: str) -> None:
    assert row(view(action_timestamp=edge)).at_us == to_us(datetime.fromisoformat(edge))


@pytest.mark.parametrize(
    "metadata",
    [
        b'{"x":NaN}',
        b'{"x":Infinity}',
        b'{"x":-Infinity}',
        b'{"x":1e400}',
        b'{"x":' + b"9" * 5_000 + b"}",
        b'{"x":"\\ud800"}',
        b'{"\\udfff\\ud800":1}',
        b'{"x":"\xff"}',
        b'{"x":"\xed\xa0\x80"}',
        b'{"x":' * 2_000 + b"1" + b"}" * 2_000,
        b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"x":',
        b"[]",
        b"null",
        b'"text"',
    ],
)
def test_metadata_that_no_json_document_can_hold_is_a_refusal(metadata: bytes) -> None:
    found = verdict(b'{"action_type":"VIEW_CONTENT","user_id":1,"metadata":' + metadata + b"}")

    assert isinstance(found, Refused)


@pytest.mark.parametrize("number", [2**53, 2**64 - 1, 2**64, -(2**63), 10**300, 1e308, 5e-324, -0.0])
def test_numbers_of_any_size_are_kept_as_they_are(number: float) -> None:
    assert json.loads(row(view(metadata={"x": number})).metadata) == {"x": number}


def test_text_that_merely_looks_like_an_escaped_nul_is_kept() -> None:
    text = "\\u0000 and \\\\u0000"

    assert json.loads(row(view(metadata={"x": text})).metadata) == {"x": text}


def test_a_lone_surrogate_in_memory_is_a_refusal_as_well() -> None:
    assert isinstance(stored_metadata({"x": "\ud800"}), refusals.MetadataInvalid)


def test_nesting_too_deep_to_be_written_is_a_refusal_as_well() -> None:
    deep: dict[str, Any] = {}
    for _ in range(5_000):
        deep = {"x": deep}

    assert isinstance(stored_metadata(deep), refusals.MetadataInvalid)


@pytest.mark.parametrize("name", ["a\0b", "`", "x" * 100_000, "é漢"])
def test_a_refusal_that_quotes_what_was_sent_can_be_kept(name: str) -> None:
    found = verdict(view(**{name: 1}))

    assert isinstance(found, refusals.InvalidAction)
    assert "\0" not in found.message
    assert len(found.message) < 600


@given(body=st.binary(max_size=200))
def test_any_bytes_are_a_row_or_a_refusal(body: bytes) -> None:
    assert isinstance(verdict(body), ReadyRow | Refused)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
metadata = st.dictionaries(st.text(max_size=8), json_values, max_size=6)


def jumbled(value: Any, rng: random.Random) -> Any:
    if isinstance(value, dict):
        pairs = [(key, jumbled(each, rng)) for key, each in value.items()]
        rng.shuffle(pairs)
        return dict(pairs)
    return [jumbled(each, rng) for each in value] if isinstance(value, list) else value


@given(held=metadata, seed=st.integers(), indent=st.none() | st.integers(0, 9), is_ascii=st.booleans())
def test_a_repetition_is_known_whatever_the_order_of_keys_and_the_whitespace(
    held: dict[str, Any], seed: int, indent: int | None, is_ascii: bool
) -> None:
    body = view(metadata=held)
    again = json.dumps(jumbled(body, random.Random(seed)), indent=indent, ensure_ascii=is_ascii)

    first, second = verdict(body), verdict(again.encode())

    assert type(first) is type(second)
    if isinstance(first, ReadyRow) and isinstance(second, ReadyRow):
        assert (first.body_hash, first.key, first.metadata) == (second.body_hash, second.key, second.metadata)


def test_a_time_that_was_not_sent_is_not_compared_and_one_that_was_is() -> None:
    later = NOON + timedelta(minutes=1)
    at = {"action_timestamp": NOON.isoformat()}

    assert row(view()).body_hash == row(view(), now=later).body_hash
    assert row(view()).at_us != row(view(), now=later).at_us
    assert row(view()).body_hash != row(view(**at)).body_hash
    assert row(view(**at)).body_hash == row(view(action_timestamp="2026-11-20T12:00:00+09:00")).body_hash


@pytest.mark.parametrize(
    "change",
    [
        {"user_id": 2},
        {"value": 0},
        {"action_type": "LOGIN"},
        {"metadata": {"content_id": "a"}},
        {"action_timestamp": NOON.isoformat()},
    ],
)
def test_a_change_of_anything_sent_is_another_body(change: dict[str, Any]) -> None:
    assert row(view()).body_hash != row(view(**change)).body_hash


def test_an_own_id_named_or_left_out_is_the_same_action() -> None:
    assert row(view(user_id=5), USER).body_hash == row(view(user_id=None), USER).body_hash


@given(first=st.integers(1, 2**63 - 1), second=st.integers(1, 2**63 - 1), client_id=st.uuids(), other=st.uuids())
def test_users_keys_never_meet(first: int, second: int, client_id: UUID, other: UUID) -> None:
    keys = {(user, each): users_key(each.bytes, user) for user in (first, second) for each in (client_id, other)}

    assert len(set(keys.values())) == len(keys)


def test_users_keys_lie_apart_from_services() -> None:
    assert row(view(user_id=None), USER).scope == USERS_SCOPE
    assert row(view()).scope == 100
    assert row(view()).key == CLIENT_ID.bytes


def test_services_with_the_same_namespace_share_keys_and_others_do_not() -> None:
    rotated = ServiceSubject(2, 100, SERVICE.scopes)
    stranger = ServiceSubject(3, 101, SERVICE.scopes)

    keys = [(each.scope, each.key) for each in (row(view()), row(view(), rotated), row(view(), stranger))]

    assert keys[0] == keys[1] != keys[2]


def test_a_field_that_an_operator_named_round_id_is_no_round_unless_it_is_a_uuid() -> None:
    plan = TrackingPlan(1, types={"OWN": TypeRule("x", "user", ("service",), metadata={"round_id": FieldRule("text")})})
    admission = Admission(SERVICE, now_us=to_us(NOON), policy=a_policy(plan))

    found = admission.judge(ActionIn("OWN", user_id=1, metadata={"round_id": "table 9"}))

    assert isinstance(found, ReadyRow)
    assert found.round_id is None


def test_what_a_request_shares_does_not_leak_from_one_action_to_the_next() -> None:
    admission = Admission(SERVICE, now_us=to_us(NOON), policy=a_policy())
    at = datetime(2026, 11, 19, tzinfo=UTC)

    rows = [
        admission.judge(ActionIn("VIEW_CONTENT", user_id=1, action_timestamp=at, client_action_id=uuid4())),
        admission.judge(ActionIn("VIEW_CONTENT", user_id=2)),
    ]

    assert [(r.user_id, r.at_us, r.key is None) for r in rows if isinstance(r, ReadyRow)] == [
        (1, to_us(at), False),
        (2, to_us(NOON), True),
    ]


def test_no_sender_says_what_the_wallet_holds() -> None:
    earned = {"action_type": "EARN_CYBER_TOKENS", "user_id": 7, "metadata": {"earned_tokens": 5, "source": "partner"}}

    assert isinstance(verdict(earned), ReadyRow)
    earned["metadata"] = {"earned_tokens": 5, "source": "partner", "token_balance": 1_000_000}
    assert isinstance(verdict(earned), refusals.MetadataInvalid)
