"""A log with rows in it, and subscribers that fail when told to."""

from collections.abc import Sequence

from casino_club.infra.db.database import Database, Db
from casino_club.infra.log.rows import LogRow
from casino_club.infra.log.subscribe import Kind, Policies, Subscription
from casino_club.infra.ports import HotValue, HotWrite
from tests.builders.actions import NOON, a_log, a_policy, a_view, record


async def with_rows(database: Database, users: Sequence[int]) -> list[int]:
    """One row per user, in this order; their ids."""
    outcomes = await record(a_log(database), [a_view(user) for user in users], now=NOON, policy=a_policy())
    return [outcome.id for outcome in outcomes]


class Effects:
    """What subscribers did, and the users whose rows they can't apply."""

    def __init__(self) -> None:
        self.applied: list[int] = []
        self.failing: set[int] = set()
        self.failure: type[Exception] = ValueError

    def to_hot(self, rows: Sequence[LogRow], _: Policies) -> Sequence[HotWrite]:
        self._fail(rows)
        return [HotWrite(row.user_id, row.id, {"seen": HotValue(str(row.id))}) for row in rows]

    async def to_database(self, db: Db, rows: Sequence[LogRow], _: Policies) -> None:
        for row in rows:
            await db.execute("UPDATE action_user SET streak = streak + 1 WHERE user_id = $1", row.user_id)
        self._fail(rows)

    def _fail(self, rows: Sequence[LogRow]) -> None:
        if bad := [row.user_id for row in rows if row.user_id in self.failing]:
            raise self.failure(f"user {bad[0]} can't be")
        self.applied += [row.id for row in rows]


def hot_projection(effects: Effects) -> Subscription:
    """Keeps `seen` in the hot store."""
    return Subscription(
        "seen", Kind.PROJECTION, "The last row seen.", frozenset(), to_hot=effects.to_hot, hot_names=("seen",)
    )


def database_reaction(effects: Effects) -> Subscription:
    """Counts rows in a column that nothing else here reads."""
    return Subscription("count", Kind.REACTION, "Rows counted.", frozenset(), to_database=effects.to_database)
