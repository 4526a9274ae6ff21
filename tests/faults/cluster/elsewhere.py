"""Compares the topic and the warehouse with the log, worked out once more from the log's rows. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from casino_club.infra.log.rows import LogRow
from tests.faults.checker import Finding
from tests.features.actions.warehoused import iso, user_days, users

LOST, DOUBLED = "lost", "doubled"


@dataclass(frozen=True)
class Sent:
    """A message with a row, as somebody who reads what is committed finds it."""

    partition: int
    key: bytes
    life: bytes
    row: Mapping[str, Any]


@dataclass(frozen=True)
class Elsewhere:
    """What the places hold that the log goes to."""

    log: Sequence[LogRow]
    topic: Sequence[Sent]
    actions: Sequence[Sequence[Any]]
    user_days: Sequence[Sequence[Any]]
    users: Sequence[Sequence[Any]]


ACTIONS = """
    SELECT id, user_id, action_type, toString(day), action_timestamp, value, streak, day_plays, metadata
    FROM actions ORDER BY id"""


def findings(held: Elsewhere, *, is_resent: bool = False, without: Sequence[int] = ()) -> list[Finding]:
    """Everything that is wrong. With `is_resent` the topic may hold rows more than once; the warehouse lacks rightly
    the rows `without`.
    """
    arrived = [row for row in held.log if row.id not in without]
    return [
        *_of_topic(held.log, held.topic, is_resent=is_resent),
        *_of_actions(arrived, held.actions),
        *_of_rollup("user_days", user_days(arrived), held.user_days),
        *_of_rollup("users", users(arrived), held.users),
    ]


def _of_topic(log: Sequence[LogRow], topic: Sequence[Sent], *, is_resent: bool) -> Iterator[Finding]:
    rows = {row.id: row for row in log}
    counts = Counter(int(sent.row["id"]) for sent in topic)
    yield from _by_count("the topic", rows, counts, doubled_is_fine=is_resent)
    for sent in topic:
        row = rows.get(sent.row["id"])
        if row is not None and not _is_same(sent, row):
            yield Finding("altered", f"the topic holds {sent} for {row}", row.client_action_id)
    if len(lives := {sent.life for sent in topic}) > 1:
        yield Finding("sent again", f"the log was sent in {len(lives)} lives")
    if not is_resent:
        yield from _out_of_order(topic)


def _is_same(sent: Sent, row: LogRow) -> bool:
    held = sent.row
    same = [held[name] == getattr(row, name) for name in ("user_id", "action_type", "value", "streak", "day_plays")]
    is_at_home = sent.key == b"%d" % row.user_id and held["client_action_id"] == str(row.client_action_id)
    return all(same) and is_at_home and held["metadata"] == msgspec.json.decode(row.metadata)


def _out_of_order(topic: Sequence[Sent]) -> Iterator[Finding]:
    """One user's rows lie in one partition, in the order of their ids."""
    of_user: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for sent in topic:
        of_user[sent.row["user_id"]].append((sent.partition, sent.row["id"]))
    for user_id, places in of_user.items():
        if len({partition for partition, _ in places}) > 1:
            yield Finding("scattered", f"user {user_id} lies in several partitions")
        if (ids := [row_id for _, row_id in places]) != sorted(ids):
            yield Finding("disordered", f"user {user_id}: the topic holds {ids[-20:]}")


def _of_actions(log: Sequence[LogRow], actions: Sequence[Sequence[Any]]) -> Iterator[Finding]:
    rows = {row.id: row for row in log}
    yield from _by_count("actions", rows, Counter(int(held[0]) for held in actions))
    days = {(user, at): day for user, at, day in _days(log)}
    for held in actions:
        row = rows.get(held[0])
        if row is not None and list(held) != _as_held(row, days[row.user_id, row.action_timestamp]):
            yield Finding("altered", f"actions holds {held} for {row}", row.client_action_id)


def _days(log: Sequence[LogRow]) -> Iterator[tuple[int, Any, str]]:
    for row in log:
        [[_, day, *_]] = user_days([row])
        yield row.user_id, row.action_timestamp, day


def _as_held(row: LogRow, day: str) -> list[Any]:
    at = iso(row.action_timestamp)
    return [row.id, row.user_id, row.action_type, day, at, row.value, row.streak, row.day_plays, row.metadata]


def _of_rollup(table: str, wanted: Sequence[Any], held: Sequence[Any]) -> Iterator[Finding]:
    """Kept by materialized views: a part of a page that came twice, or never, shows in their sums."""
    if list(held) != list(wanted):
        wrong = [pair for pair in zip(held, wanted, strict=False) if pair[0] != pair[1]]
        yield Finding("rollup", f"{table} has {len(held)} keys, not {len(wanted)}; first of {len(wrong)}: {wrong[:1]}")


def _by_count(
    place: str, rows: Mapping[int, LogRow], counts: Mapping[int, int], *, doubled_is_fine: bool = False
) -> Iterator[Finding]:
    for row_id, row in rows.items():
        if not counts.get(row_id):
            yield Finding(LOST, f"{place} lacks row {row_id}", row.client_action_id)
        elif counts[row_id] > 1 and not doubled_is_fine:
            yield Finding(DOUBLED, f"{place} holds row {row_id} {counts[row_id]} times", row.client_action_id)
    for row_id in counts.keys() - rows.keys():
        yield Finding("invented", f"{place} holds row {row_id}, which the log does not")
