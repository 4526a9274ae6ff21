"""Batches in parts: each user's rows together, and a verdict for every row even when the database goes away."""

import random
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import uuid4

import pytest

from casino_club.features.actions.commands import intake
from casino_club.features.actions.commands.intake import PART_ROWS, Sent, parts_of, take_batch
from casino_club.features.actions.commands.settle import Outcome, Status
from casino_club.features.actions.rules.sent import ActionIn, MalformedRow
from casino_club.infra.db.database import Database, Db
from casino_club.kernel.errors import Unavailable
from tests.builders.actions import NOON, SERVICE, a_log, a_policy

T = TypeVar("T")


class GoesAway(Database):
    """Answers for so many transactions of an append, and then no more."""

    appends_left = 1

    async def run(self, work: Callable[[Db], Awaitable[T]], *, first: str = "") -> T:
        if first:
            self.appends_left -= 1
            if self.appends_left < 0:
                raise Unavailable("gone")
        return await super().run(work, first=first)


def views(users: list[int]) -> list[Sent]:
    return [ActionIn("VIEW_CONTENT", user, client_action_id=uuid4()) for user in users]


async def verdicts(database: Database, sent: list[Sent]) -> list[intake.Verdict]:
    log = a_log(database)
    found: dict[int, intake.Verdict] = {}
    async for part in take_batch(log, SERVICE, sent, now=NOON, policy=a_policy()):
        found.update(part)
    return [found[place] for place in range(len(sent))]


def test_every_row_is_in_one_part_and_a_user_s_rows_are_in_the_same_in_order() -> None:
    rng = random.Random(7)
    users = [rng.randrange(1, 900) for _ in range(4 * PART_ROWS)]
    sent = views(users)
    sent[17] = MalformedRow("no", b"5")

    parts = parts_of(sent)

    assert sorted(place for part in parts for place in part) == list(range(len(sent)))
    assert len(parts) == 4
    homes: dict[int, int] = {}
    for number, part in enumerate(parts):
        assert part == sorted(part)
        for place in part:
            if place != 17:
                assert homes.setdefault(users[place], number) == number


async def test_rows_of_parts_that_the_database_took_with_it_are_to_be_sent_again(
    database_url: str, database: Database
) -> None:
    sent = views([1 + place % 100 for place in range(2 * PART_ROWS)])
    await verdicts(database, views(list(range(1, 101))))
    async with GoesAway(database_url, connections_max=4) as going:
        first = await verdicts(going, sent)

    again = await verdicts(database, sent)

    lost = [isinstance(verdict, Unavailable) for verdict in first]
    assert 0 < sum(lost) < len(sent)
    assert [v.status for v in first if isinstance(v, Outcome)] == [Status.ACCEPTED] * lost.count(False)
    assert [v.status for v in again if isinstance(v, Outcome)] == [
        Status.ACCEPTED if was_lost else Status.DUPLICATE for was_lost in lost
    ]


@pytest.mark.parametrize("count", [0, 1, PART_ROWS, PART_ROWS + 1])
async def test_a_batch_of_any_size_gets_a_verdict_per_row(database: Database, count: int) -> None:
    found = await verdicts(database, views([1 + place % 50 for place in range(count)]))

    assert [type(verdict) for verdict in found] == [Outcome] * count
