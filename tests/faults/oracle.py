"""What the log means, worked out a second time in the plainest way: nothing here is shared with the product."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

SEOUL = ZoneInfo("Asia/Seoul")
GAP = timedelta(minutes=30)
PLAYS = {"SLOT_SPIN", "RPS_PLAY", "ROULETTE_SPIN", "GACHA_SPIN"}
EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


class LogRow(NamedTuple):
    """A row of `user_actions`."""

    id: int
    user_id: int
    client_id: UUID
    action_type: str
    value: int | None
    metadata: dict[str, Any]
    at: datetime
    appended_at: datetime
    streak: int
    day_plays: int
    last_play_at: datetime | None
    last_action_at: datetime


@dataclass(frozen=True)
class Standing:
    """What is known of a user after a row."""

    streak: int = 0
    day_plays: int = 0
    last_play_at: datetime | None = None
    last_action_at: datetime | None = None


class Shown(NamedTuple):
    """A text in the hot store, and the millisecond at which it goes by itself."""

    text: str
    until_ms: int | None


def after(before: Standing, row: LogRow) -> Standing:
    """The standing after one more row."""
    now = replace(before, last_action_at=max(before.last_action_at or row.at, row.at))
    if row.action_type not in PLAYS:
        return now
    last = before.last_play_at
    same_day = last is not None and _day(last) == _day(row.at)
    day_plays = before.day_plays + 1 if same_day else 1
    if last is None or row.at > last + GAP:
        return replace(now, streak=1, day_plays=day_plays, last_play_at=row.at)
    if row.at >= last:
        return replace(now, streak=before.streak + 1, day_plays=day_plays, last_play_at=row.at)
    return replace(now, day_plays=day_plays if same_day else before.day_plays)


def standings(rows: Iterable[LogRow]) -> dict[int, Standing]:
    """Every user's standing at the end of these rows, which come in the order of their ids."""
    found: dict[int, Standing] = {}
    for row in rows:
        found[row.user_id] = after(found.get(row.user_id, Standing()), row)
    return found


def shown(standing: Standing) -> dict[str, Shown]:
    """What the hot store holds of this standing until it ends by itself."""
    assert standing.last_action_at is not None
    values = {"last_action_ts": Shown(str(_ms(standing.last_action_at)), None)}
    if standing.last_play_at is not None:
        ends = standing.last_play_at + GAP + timedelta(microseconds=1)
        midnight = datetime.combine(_day(standing.last_play_at) + timedelta(days=1), time(), tzinfo=SEOUL)
        values["streak_count"] = Shown(str(standing.streak), _ms_up(ends))
        values["daily_play_count"] = Shown(str(standing.day_plays), _ms_up(midnight))
    return values


def _day(instant: datetime) -> Any:
    return instant.astimezone(SEOUL).date()


def _ms(instant: datetime) -> int:
    return (instant - EPOCH) // timedelta(milliseconds=1)


def _ms_up(instant: datetime) -> int:
    return -((EPOCH - instant) // timedelta(milliseconds=1))
