"""Compares what the clients know with what the servers hold. Pure: the same answer for the same facts."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from tests.faults.ledger import Entry, Ledger
from tests.faults.oracle import LogRow, Shown, Standing, after, shown, standings

ARRIVED_WITHIN = timedelta(seconds=60)


class Finding(NamedTuple):
    """One thing that must not be. `client_id` is that of the action it is about, if it is about one."""

    kind: str
    what: str
    client_id: UUID | None = None


@dataclass(frozen=True)
class State:
    """All that the servers hold once nothing moves any more."""

    log: Sequence[LogRow]
    keys: Mapping[UUID, int]
    standings: Mapping[int, Standing]
    hot: Mapping[int, Mapping[str, Shown]] = field(default_factory=dict)
    """By user: each value that is shown, the guard's among them."""
    read_ms: tuple[int, int] = (0, 0)
    """When the hot store was read, by its own clock: not before, and not after."""
    strays: Sequence[str] = ()
    """Keys of the hot store that nobody asked for."""
    parked: int = 0
    waiting: int = 0
    rebuilding: int = 0
    unaccounted: Sequence[str] = ()
    """What stocktaking finds missing or too much."""


def findings(ledger: Ledger, state: State) -> list[Finding]:
    """Everything that is wrong; nothing, if all is well."""
    return [
        *(Finding("fault", fault) for fault in ledger.faults),
        *_rows_against_ledger(ledger, state),
        *_out_of_order(ledger, state.log),
        *_wrong_keys(state),
        *_wrong_standings(state),
        *_wrong_hot_values(state),
        *(Finding("stray", key) for key in state.strays),
        *(Finding("unaccounted", what) for what in state.unaccounted),
        *(Finding("parked", f"{state.parked} rows") for _ in range(bool(state.parked))),
        *(Finding("behind", f"{state.waiting} rows") for _ in range(bool(state.waiting))),
        *(Finding("rebuilding", "a rebuild has not ended") for _ in range(bool(state.rebuilding))),
    ]


def _rows_against_ledger(ledger: Ledger, state: State) -> Iterator[Finding]:
    rows: dict[UUID, list[LogRow]] = defaultdict(list)
    for row in state.log:
        rows[row.client_id].append(row)
    for client_id, found in rows.items():
        entry = ledger.entries.get(client_id)
        if len(found) > 1:
            yield Finding("doubled", f"{client_id} is in the log as {[row.id for row in found]}", client_id)
        if entry is None:
            yield Finding("invented", f"{client_id} was never sent", client_id)
        else:
            yield from (
                Finding("altered", f"{row} is not {entry.action}")
                for row in found
                if _differs(row, entry, ledger.clock_error)
            )
    for client_id, entry in ledger.entries.items():
        if entry.id is not None and client_id not in rows:
            yield Finding("lost", f"{client_id} was acknowledged as {entry.id}", client_id)
        elif entry.id is not None and entry.id not in [row.id for row in rows[client_id]]:
            yield Finding("renumbered", f"{client_id} was acknowledged as {entry.id}: {rows[client_id]}", client_id)


def _differs(row: LogRow, entry: Entry, clock_error: timedelta) -> bool:
    sent = entry.action
    waited = row.appended_at - row.at
    same_time = -clock_error <= waited < ARRIVED_WITHIN + clock_error if sent.at is None else row.at == sent.at
    same = (row.user_id, row.action_type, row.value, row.metadata) == sent[1:5]
    return not (same and same_time)


def _out_of_order(ledger: Ledger, log: Sequence[LogRow]) -> Iterator[Finding]:
    """What was acknowledged before something else of the same user was sent comes first in the log."""
    ids = {row.client_id: row.id for row in log}
    events: dict[int, list[tuple[int, bool, int]]] = defaultdict(list)
    for client_id, entry in ledger.entries.items():
        if client_id in ids:
            of_user = events[entry.action.user_id]
            of_user.append((entry.sent_at, False, ids[client_id]))
            if entry.acknowledged_at is not None:
                of_user.append((entry.acknowledged_at, True, ids[client_id]))
    for user_id, of_user in events.items():
        highest = 0
        for _, is_acknowledgement, action_id in sorted(of_user):
            if is_acknowledgement:
                highest = max(highest, action_id)
            elif action_id < highest:
                yield Finding("disordered", f"user {user_id}: {action_id} was sent after {highest} was acknowledged")


def _wrong_keys(state: State) -> Iterator[Finding]:
    ids = {row.client_id: row.id for row in state.log}
    for client_id in state.keys.keys() ^ ids.keys():
        yield Finding("key", f"{client_id}: key {state.keys.get(client_id)}, row {ids.get(client_id)}", client_id)
    for client_id in state.keys.keys() & ids.keys():
        if state.keys[client_id] != ids[client_id]:
            yield Finding("key", f"{client_id}: key {state.keys[client_id]}, row {ids[client_id]}", client_id)


def _wrong_standings(state: State) -> Iterator[Finding]:
    known: dict[int, Standing] = {}
    for row in state.log:
        expected = after(known.get(row.user_id, Standing()), row)
        carried = Standing(row.streak, row.day_plays, row.last_play_at, row.last_action_at)
        if carried != expected:
            yield Finding("standing", f"row {row.id} of user {row.user_id} carries {carried}, not {expected}")
        known[row.user_id] = expected
    for user_id in known.keys() | state.standings.keys():
        held, expected = state.standings.get(user_id), known.get(user_id, Standing())
        if held != expected:
            yield Finding("standing", f"user {user_id} has {held}, not {expected}")


def _wrong_hot_values(state: State) -> Iterator[Finding]:
    last_ids = {row.user_id: row.id for row in state.log}
    expected_of = standings(state.log)
    for user_id in expected_of.keys() | state.hot.keys():
        held = state.hot.get(user_id, {})
        expected = shown(expected_of[user_id]) if user_id in expected_of else {}
        guard = {"hot_row_id": Shown(str(last_ids[user_id]), None)} if user_id in last_ids else {}
        for name, wanted in {**expected, **guard}.items():
            if not _may_show(held.get(name), wanted, state.read_ms):
                yield Finding("hot", f"user {user_id}: {name} is {held.get(name)}, not {wanted}")
        for name in held.keys() - expected.keys() - guard.keys():
            yield Finding("hot", f"user {user_id}: {name} is {held[name]}, and should not be there")


def _may_show(held: Shown | None, wanted: Shown, read_ms: tuple[int, int]) -> bool:
    if wanted.until_ms is None or wanted.until_ms > read_ms[1]:
        return held == wanted
    return held is None or (held == wanted and wanted.until_ms > read_ms[0])


def summary(found: Sequence[Finding], *, examples: int = 5) -> str:
    """How many of each kind, and the first few."""
    counts = Counter(finding.kind for finding in found)
    return "\n".join([str(dict(counts)), *(f"{kind}: {what}" for kind, what, _ in found[:examples])])
