"""Single items share transactions, and each caller still gets what is theirs."""

import asyncio
from collections.abc import Sequence

import pytest

from casino_club.infra.db.group_commit import GROUP_MAX, LANES_MAX, GroupCommit
from tests.infra.waiting import until

SECONDS_MAX = 5.0


class Commits:
    """Commits that wait at a gate, and remember their groups."""

    def __init__(self, *, is_open: bool = True) -> None:
        self.groups: list[list[int]] = []
        self.gate = asyncio.Event()
        self.stalls_with: int | None = None
        self.recovered = asyncio.Event()
        if is_open:
            self.gate.set()

    async def __call__(self, items: Sequence[int]) -> list[str]:
        self.groups.append(list(items))
        await asyncio.sleep(0)
        await (self.recovered if self.stalls_with in items else self.gate).wait()
        if any(item < 0 for item in items):
            raise ValueError("a negative item")
        return [f"done {item}" for item in items]


async def added(together: GroupCommit[int, str], items: Sequence[int]) -> list[str | BaseException]:
    async with asyncio.timeout(SECONDS_MAX):
        return await asyncio.gather(*(together.add(item) for item in items), return_exceptions=True)


async def test_each_caller_gets_its_own_result() -> None:
    commits = Commits()

    results = await added(GroupCommit(commits), range(1_000))

    assert results == [f"done {item}" for item in range(1_000)]
    assert sorted(item for group in commits.groups for item in group) == list(range(1_000))


async def test_an_item_that_finds_nothing_under_way_is_committed_at_once() -> None:
    commits = Commits()
    together = GroupCommit(commits)

    adding = asyncio.create_task(together.add(1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert commits.groups == [[1]]
    assert await adding == "done 1"


async def test_what_arrives_while_a_commit_is_under_way_shares_the_next_one() -> None:
    commits = Commits(is_open=False)
    together = GroupCommit(commits)

    first = asyncio.create_task(together.add(0))
    await until(lambda: len(commits.groups) == 1, seconds_max=SECONDS_MAX)
    rest = asyncio.create_task(added(together, range(1, 10)))
    await until(lambda: len(commits.groups) == 2, seconds_max=SECONDS_MAX)
    commits.gate.set()
    await asyncio.gather(first, rest)

    assert commits.groups == [[0], list(range(1, 10))]


async def test_no_group_is_larger_than_its_bound_and_no_more_lanes_run_than_theirs() -> None:
    commits = Commits(is_open=False)
    together = GroupCommit(commits)

    adding = [asyncio.create_task(together.add(item)) for item in range(2_000)]
    await until(lambda: len(commits.groups) == LANES_MAX, seconds_max=SECONDS_MAX)
    for _ in range(50):
        await asyncio.sleep(0)
    lanes = len(commits.groups)
    commits.gate.set()
    await asyncio.gather(*adding)

    assert lanes == LANES_MAX
    assert max(map(len, commits.groups)) == GROUP_MAX


async def test_a_failure_reaches_every_caller_of_its_group_and_no_other() -> None:
    commits = Commits(is_open=False)
    together = GroupCommit(commits)
    first = asyncio.create_task(together.add(0))
    await until(lambda: len(commits.groups) == 1, seconds_max=SECONDS_MAX)

    rest = asyncio.create_task(added(together, [1, -2, 3]))
    await until(lambda: len(commits.groups) == 2, seconds_max=SECONDS_MAX)
    commits.gate.set()

    assert await first == "done 0"
    assert [type(result) for result in await rest] == [ValueError] * 3
    assert await added(together, [4]) == ["done 4"]


async def test_a_commit_that_answers_for_fewer_items_fails_for_all_of_them() -> None:
    async def forgetful(items: Sequence[int]) -> Sequence[str]:
        return ["done"] * (len(items) - 1)

    results = await added(GroupCommit(forgetful), [1, 2, 3])

    assert all(isinstance(result, AssertionError) for result in results)


async def test_a_stalled_commit_does_not_hold_up_others() -> None:
    commits = Commits()
    commits.stalls_with = 0
    together = GroupCommit(commits)
    stalled = asyncio.create_task(together.add(0))
    await until(lambda: len(commits.groups) == 1, seconds_max=SECONDS_MAX)

    results = await added(together, range(1, 500))

    assert results == [f"done {item}" for item in range(1, 500)]
    assert not stalled.done()
    commits.recovered.set()
    assert await stalled == "done 0"


async def test_a_caller_that_goes_away_takes_nobody_with_it() -> None:
    commits = Commits(is_open=False)
    together = GroupCommit(commits)
    adding = [asyncio.create_task(together.add(item)) for item in range(20)]
    await until(lambda: commits.groups, seconds_max=SECONDS_MAX)

    for leaving in adding[::3]:
        leaving.cancel()
    await asyncio.sleep(0)
    commits.gate.set()
    results = await asyncio.gather(*adding, return_exceptions=True)

    for item, result in enumerate(results):
        assert isinstance(result, asyncio.CancelledError) if item % 3 == 0 else result == f"done {item}"


@pytest.mark.parametrize("count", [1, GROUP_MAX, GROUP_MAX + 1])
async def test_nothing_is_left_waiting(count: int) -> None:
    together: GroupCommit[int, str] = GroupCommit(Commits())

    for _ in range(3):
        assert len(await added(together, range(count))) == count
