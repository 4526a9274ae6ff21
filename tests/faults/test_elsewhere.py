"""The comparison of topic and warehouse with the log finds whatever is planted."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from casino_club.infra.log.rows import LogRow
from casino_club.kernel.clock import to_us
from tests.faults.cluster.elsewhere import Elsewhere, Sent, findings
from tests.features.actions.warehoused import iso, user_days, users

NOON = datetime(2026, 11, 20, 3, tzinfo=UTC)
DAY = "2026-11-20"


def a_row(row_id: int, user_id: int) -> LogRow:
    at, client_id = to_us(NOON + timedelta(seconds=row_id)), UUID(int=row_id).bytes
    standing = (False, True, 0, 0, 0, at)
    return LogRow(row_id, user_id, "VIEW_CONTENT", None, '{"n": 1}', at, at, client_id, None, *standing, row_id)


def as_sent(row: LogRow) -> Sent:
    value = msgspec.structs.asdict(row) | {"metadata": {"n": 1}, "client_action_id": str(row.client_action_id)}
    return Sent(row.user_id % 3, b"%d" % row.user_id, b"one", value)


def in_actions(row: LogRow) -> list[object]:
    at = iso(row.action_timestamp)
    return [row.id, row.user_id, row.action_type, DAY, at, None, 0, 0, row.metadata]


LOG = [a_row(row_id, user_id) for row_id, user_id in enumerate((1, 2, 1, 3, 1), 1)]
WELL = Elsewhere(LOG, [as_sent(row) for row in LOG], [in_actions(row) for row in LOG], user_days(LOG), users(LOG))


def altered(sent: Sent) -> Sent:
    return replace(sent, row={**sent.row, "value": 9})


PLANTED: dict[str, Callable[[Elsewhere], Elsewhere]] = {
    "lost": lambda held: replace(held, topic=held.topic[1:]),
    "doubled": lambda held: replace(held, topic=[*held.topic, held.topic[-1]]),
    "invented": lambda held: replace(held, topic=[*held.topic, as_sent(a_row(9, 9))]),
    "altered": lambda held: replace(held, topic=[altered(held.topic[0]), *held.topic[1:]]),
    "disordered": lambda held: replace(held, topic=held.topic[::-1]),
    "scattered": lambda held: replace(held, topic=[replace(held.topic[0], partition=2), *held.topic[1:]]),
    "sent again": lambda held: replace(held, topic=[replace(held.topic[0], life=b"two"), *held.topic[1:]]),
    "lost from actions": lambda held: replace(held, actions=held.actions[1:]),
    "doubled in actions": lambda held: replace(held, actions=[*held.actions, held.actions[0]]),
    "altered in actions": lambda held: replace(held, actions=[[*held.actions[0][:-1], "{}"], *held.actions[1:]]),
    "rollup by day": lambda held: replace(held, user_days=user_days([*LOG, LOG[-1]])),
    "rollup by user": lambda held: replace(held, users=users(LOG[:-1])),
}


def test_what_is_well_is_left_in_peace() -> None:
    assert findings(WELL) == []


@pytest.mark.parametrize("planted", PLANTED)
def test_what_is_planted_is_found(planted: str) -> None:
    kinds = Counter(each.kind for each in findings(PLANTED[planted](WELL)))

    assert any(planted.startswith(kind) for kind in kinds), kinds


def test_a_row_may_be_sent_again_by_our_own_doing_and_one_may_be_parked() -> None:
    sent_again = replace(WELL, topic=[*WELL.topic, *WELL.topic])
    without = LOG[:-1]
    parked = replace(WELL, actions=WELL.actions[:-1], user_days=user_days(without), users=users(without))

    assert findings(sent_again, is_resent=True) == []
    assert findings(parked, without=[LOG[-1].id]) == []
