"""The checker finds whatever is planted, and nothing where all is well."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

import pytest

from tests.faults.checker import State, findings
from tests.faults.ledger import Ledger
from tests.faults.load import an_action
from tests.faults.oracle import LogRow, Shown, Standing, after, shown, standings

NOON = datetime.fromisoformat("2026-11-20T03:00:00+00:00")
NOW_MS = 1_795_143_660_000
"""One minute after noon in Seoul, so that every value is still shown."""
USER, MINUTES = 7, (0, 10, 20, 30)


def all_well() -> tuple[Ledger, State]:
    """Four plays of one user, ten minutes apart, sent and acknowledged one after the other."""
    ledger, log, standing = Ledger(), list[LogRow](), Standing()
    rng = Random("planted")
    for number, minute in enumerate(MINUTES, start=1):
        at = NOON - timedelta(minutes=30 - minute)
        action = an_action(rng, USER, at, action_type="SLOT_SPIN")
        ledger.send([action])
        ledger.acknowledge(action, number)
        client_id, _, kind, value, metadata, _ = action
        row = LogRow(number, USER, client_id, kind, value, metadata, at, NOON, 0, 0, None, NOON)
        standing = after(standing, row)
        log.append(row._replace(**vars(standing)))
    hot = {USER: {**shown(standing), "hot_row_id": Shown("4", None)}}
    keys = {row.client_id: row.id for row in log}
    return ledger, State(log, keys, standings(log), hot, (NOW_MS, NOW_MS + 5))


def kinds(ledger: Ledger, state: State) -> set[str]:
    return {finding.kind for finding in findings(ledger, state)}


def with_hot(state: State, name: str, value: Shown | None) -> State:
    held = {**state.hot[USER]} | ({name: value} if value else {})
    return replace(state, hot={USER: {key: one for key, one in held.items() if value or key != name}})


def test_nothing_is_found_where_all_is_well() -> None:
    assert findings(*all_well()) == []


Plant = Callable[[State], State]
PLANTED: dict[str, tuple[str, Plant]] = {
    "a row is gone": ("lost", lambda s: replace(s, log=s.log[:-1])),
    "a row is there twice": ("doubled", lambda s: replace(s, log=[*s.log, s.log[-1]._replace(id=5)])),
    "a row was never sent": ("invented", lambda s: replace(s, log=[*s.log, s.log[-1]._replace(client_id=UUID(int=1))])),
    "a row has another id": ("renumbered", lambda s: replace(s, log=[*s.log[:-1], s.log[-1]._replace(id=9)])),
    "a row says something else": ("altered", lambda s: replace(s, log=[s.log[0]._replace(value=999), *s.log[1:]])),
    "a row lies before what came first": (
        "disordered",
        lambda s: replace(s, log=[s.log[0], s.log[1]._replace(id=3), s.log[2]._replace(id=2), s.log[3]]),
    ),
    "a row carries another streak": (
        "standing",
        lambda s: replace(s, log=[s.log[0], s.log[1]._replace(streak=1), *s.log[2:]]),
    ),
    "a user has another standing": ("standing", lambda s: replace(s, standings={USER: Standing(9, 9, NOON, NOON)})),
    "a user has none": ("standing", lambda s: replace(s, standings={})),
    "a key is gone": ("key", lambda s: replace(s, keys={})),
    "a key leads elsewhere": ("key", lambda s: replace(s, keys={key: id_ + 1 for key, id_ in s.keys.items()})),
    "a hot value is stale": (
        "hot",
        lambda s: with_hot(s, "streak_count", s.hot[USER]["streak_count"]._replace(text="3")),
    ),
    "a hot value ends later": (
        "hot",
        lambda s: with_hot(s, "daily_play_count", s.hot[USER]["daily_play_count"]._replace(until_ms=None)),
    ),
    "a hot value is gone too early": ("hot", lambda s: with_hot(s, "streak_count", None)),
    "a guard is behind": ("hot", lambda s: with_hot(s, "hot_row_id", Shown("3", None))),
    "hot values of nobody": ("hot", lambda s: replace(s, hot={**s.hot, 8: {"streak_count": Shown("1", None)}})),
    "a key of a rebuild is left": ("stray", lambda s: replace(s, strays=["rebuild:1:user:{7}:streak_count"])),
    "a row is parked": ("parked", lambda s: replace(s, parked=1)),
    "a reader is behind": ("behind", lambda s: replace(s, waiting=1)),
    "a rebuild has not ended": ("rebuilding", lambda s: replace(s, rebuilding=1)),
}


@pytest.mark.parametrize("what", PLANTED)
def test_what_is_planted_is_found(what: str) -> None:
    kind, plant = PLANTED[what]
    ledger, state = all_well()

    assert kind in kinds(ledger, plant(state))


def test_an_acknowledgement_that_changes_its_id_is_found() -> None:
    ledger, state = all_well()

    ledger.acknowledge(next(iter(ledger.entries.values())).action, 99)

    assert kinds(ledger, state) == {"fault"}


def test_a_value_may_be_gone_once_its_end_has_come_and_must_be_gone_later() -> None:
    ledger, state = all_well()
    end = state.hot[USER]["streak_count"].until_ms
    assert end is not None
    around, beyond = replace(state, read_ms=(end - 1, end)), replace(state, read_ms=(end, end + 1))

    assert kinds(ledger, around) == kinds(ledger, with_hot(around, "streak_count", None)) == set()
    assert kinds(ledger, beyond) == {"hot"}
    assert kinds(ledger, with_hot(beyond, "streak_count", None)) == set()
