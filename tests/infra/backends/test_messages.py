"""A row survives its way through a message, and what is no row of ours is told apart."""

import json

import msgspec
import pytest
from confluent_kafka import Message

from casino_club.infra.backends.kafka.messages import NotOurs, row_of, value_of
from casino_club.infra.log.rows import LogRow

CLIENT, ROUND = bytes(range(16)), bytes(16)
PLAY = LogRow(
    *(7, -3, "SLOT_SPIN", -5, '{"note": "한국어 \\n"}', -1, 1_790_000_000_123_456, CLIENT, ROUND, True, False),
    *(3, 4, 946_684_799_999_999, 253_402_300_799_999_999, 900),
)
NOTHING_ELSE = msgspec.structs.replace(PLAY, value=None, client_action_bytes=None, round_bytes=None, last_play_us=0)


@pytest.mark.parametrize("row", [PLAY, NOTHING_ELSE])
def test_a_row_is_the_same_behind_the_topic(row: LogRow) -> None:
    assert row_of(Message("t", value=value_of(row)), row.xact) == row


def test_a_value_holds_what_the_documentation_says() -> None:
    sent = json.loads(value_of(PLAY))

    assert sent["client_action_id"] == "00010203-0405-0607-0809-0a0b0c0d0e0f"
    assert sent["appended_at"] == "2026-09-21T14:13:20.123456Z"
    assert sent["last_play_at"] == "1999-12-31T23:59:59.999999Z"


@pytest.mark.parametrize(
    "wrong", [{"client_action_id": "00"}, {"round_id": "no"}, {"id": "x"}, {"appended_at": "today"}]
)
def test_what_is_no_row_of_ours_is_refused(wrong: dict[str, object]) -> None:
    value = json.loads(value_of(PLAY)) | wrong

    with pytest.raises(NotOurs, match="can't be read"):
        row_of(Message("t", value=json.dumps(value).encode()), 1)
