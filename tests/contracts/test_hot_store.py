"""The promise of `ports.HotStore`, kept by every backend.

`CASINO_CLUB_TEST_REDIS_URL` adds a Redis of your own to the private one. It is emptied.
"""

import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

import pytest

from casino_club.infra.backends.hot_store import RedisHotStore
from casino_club.infra.ports import HotStoreAway, HotValue, HotWrite

NAMED_URL = os.environ.get("CASINO_CLUB_TEST_REDIS_URL")
BACKENDS = ("private", *(["named"] if NAMED_URL else []))
NAMES = ("streak", "plays")
IN_A_DAY_MS = int(time.time() * 1_000) + 86_400_000

LastRows = Callable[[Sequence[int]], Awaitable[Mapping[int, int]]]


@pytest.fixture(params=BACKENDS)
async def store(request: pytest.FixtureRequest, servers: tuple[str, str]) -> AsyncIterator[RedisHotStore]:
    async with RedisHotStore(NAMED_URL or "" if request.param == "named" else servers[1]) as opened:
        await opened.redis.flushall()
        yield opened


def a_write(user_id: int, row_id: int, *, streak: str | None = "1", until_ms: int | None = None) -> HotWrite:
    value = None if streak is None else HotValue(streak, until_ms)
    return HotWrite(user_id, row_id, {"streak": value, "plays": HotValue(str(row_id))})


async def applied(store: RedisHotStore, *writes: HotWrite, generation: int = 0, projection: str = "hot") -> None:
    await store.set_mark(projection, 0, generation=generation)
    assert await store.apply(projection, writes, mark=1, after_mark=0, generation=generation)


async def shown(store: RedisHotStore, user_id: int) -> tuple[str | None, str | None]:
    values = await store.read(user_id, NAMES)
    return values["streak"], values["plays"]


async def swapped(store: RedisHotStore, last: Mapping[int, int], projection: str = "hot") -> int:
    async def last_rows(users: Sequence[int]) -> Mapping[int, int]:
        return {user: last[user] for user in users if user in last}

    return await store.swap(projection, generation=1, names=NAMES, last_rows=last_rows)


async def test_a_store_that_holds_nothing_shows_nothing(store: RedisHotStore) -> None:
    assert await shown(store, 1) == (None, None)


async def test_what_is_applied_is_shown(store: RedisHotStore) -> None:
    await applied(store, a_write(1, 10, streak="4"), a_write(2, 11, streak="é€漢\0"))

    assert await shown(store, 1) == ("4", "10")
    assert await shown(store, 2) == ("é€漢\0", "11")


async def test_values_lie_under_documented_keys(store: RedisHotStore) -> None:
    await applied(store, a_write(7, 10, streak="4"))

    assert await store.redis.get("user:{7}:streak") == "4"


async def test_the_same_row_or_an_earlier_one_never_moves_values_back(store: RedisHotStore) -> None:
    await applied(store, a_write(1, 10, streak="10"))

    await applied(store, a_write(1, 10, streak="again"), a_write(1, 9, streak="late"))

    assert await shown(store, 1) == ("10", "10")


async def test_a_later_row_replaces_every_value_together(store: RedisHotStore) -> None:
    await applied(store, a_write(1, 10, until_ms=IN_A_DAY_MS))

    await applied(store, a_write(1, 11, streak=None))

    assert await shown(store, 1) == (None, "11")


async def test_rows_are_compared_as_numbers(store: RedisHotStore) -> None:
    await applied(store, a_write(1, 9, streak="nine"), a_write(1, 10, streak="ten"))

    assert await shown(store, 1) == ("ten", "10")


async def test_a_value_ends_at_its_instant(store: RedisHotStore) -> None:
    await applied(store, a_write(1, 10, until_ms=IN_A_DAY_MS), a_write(2, 11, until_ms=1_000))

    assert await store.redis.pexpiretime("user:{1}:streak") == IN_A_DAY_MS
    assert await shown(store, 2) == (None, "11")


async def test_a_value_that_lasts_forgets_the_end_of_the_one_before(store: RedisHotStore) -> None:
    await applied(store, a_write(1, 10, until_ms=IN_A_DAY_MS))

    await applied(store, a_write(1, 11))

    assert await store.redis.ttl("user:{1}:streak") == -1


async def test_a_guard_that_is_no_number_does_not_lock_the_user_out(store: RedisHotStore) -> None:
    await store.redis.set("user:{1}:hot_row_id", "rubbish")

    await applied(store, a_write(1, 10))

    assert await shown(store, 1) == ("1", "10")


async def test_a_store_that_has_no_mark_or_an_older_one_has_lost_writes(store: RedisHotStore) -> None:
    assert not await store.apply("hot", [], mark=1, after_mark=0)

    await store.set_mark("hot", 4)

    assert not await store.apply("hot", [], mark=6, after_mark=5)
    assert await store.apply("hot", [], mark=5, after_mark=4)
    assert await store.apply("hot", [], mark=6, after_mark=5)


async def test_a_mark_never_goes_back_when_an_old_leader_writes_late(store: RedisHotStore) -> None:
    await store.set_mark("hot", 100)

    assert await store.apply("hot", [a_write(1, 1)], mark=51, after_mark=50)

    assert await store.apply("hot", [], mark=101, after_mark=100)


async def test_an_emptied_store_says_so_even_after_its_scripts_are_gone(store: RedisHotStore) -> None:
    await applied(store, a_write(1, 10))

    await store.redis.flushall()
    await store.redis.script_flush()

    assert not await store.apply("hot", [a_write(1, 11)], mark=2, after_mark=1)


async def test_marks_of_projections_and_generations_are_apart(store: RedisHotStore) -> None:
    await store.set_mark("hot", 5)
    await store.set_mark("hot", 0, generation=1)

    assert not await store.apply("other", [], mark=1, after_mark=0)
    assert not await store.apply("hot", [], mark=3, after_mark=2, generation=1)
    assert await store.mark_of("hot") == 5


async def test_a_generation_is_not_shown_until_it_is_swapped_in(store: RedisHotStore) -> None:
    await applied(store, a_write(1, 10, streak="live"))
    await applied(store, a_write(1, 12, streak="rebuilt"), a_write(2, 11, streak="found"), generation=1)
    before = await shown(store, 1), await shown(store, 2)

    assert await swapped(store, {1: 12, 2: 11}) == 2

    assert before == (("live", "10"), (None, None))
    assert await shown(store, 1) == ("rebuilt", "12")
    assert await shown(store, 2) == ("found", "11")
    assert [key async for key in store.redis.scan_iter("rebuild:*")] == []


async def test_a_rebuilt_value_keeps_its_end_and_takes_away_what_it_has_not(store: RedisHotStore) -> None:
    await applied(store, a_write(1, 10), a_write(2, 10))
    await applied(store, a_write(1, 10, until_ms=IN_A_DAY_MS), a_write(2, 10, streak=None), generation=1)

    await swapped(store, {1: 10, 2: 10})

    assert await store.redis.pexpiretime("user:{1}:streak") == IN_A_DAY_MS
    assert await shown(store, 2) == (None, "10")


async def test_a_user_who_shows_a_later_row_than_the_rebuild_is_left_alone(store: RedisHotStore) -> None:
    await applied(store, a_write(1, 20, streak="newer"), a_write(2, 21, streak="new"))
    await applied(store, a_write(1, 10, streak="rebuilt"), generation=1)

    await swapped(store, {1: 20, 2: 21})

    assert await shown(store, 1) == ("newer", "20")
    assert await shown(store, 2) == ("new", "21")


async def test_a_user_of_neither_the_rebuild_nor_the_log_is_removed(store: RedisHotStore) -> None:
    await applied(store, a_write(1, 20), a_write(2, 21))

    await swapped(store, {2: 21})

    assert await shown(store, 1) == (None, None)
    assert await store.redis.exists("user:{1}:hot_row_id") == 0
    assert await shown(store, 2) == ("1", "21")


@pytest.mark.parametrize("guard", ["999999999999", "rubbish", "-5", "1e9"])
async def test_a_guard_beyond_the_users_last_row_is_put_right_by_a_rebuild(store: RedisHotStore, guard: str) -> None:
    await applied(store, a_write(1, 20, streak="right"))
    await store.redis.mset({"user:{1}:hot_row_id": guard, "user:{1}:streak": "wrong"})
    await applied(store, a_write(1, 20, streak="right"), generation=1)

    await swapped(store, {1: 20})
    await applied(store, a_write(1, 21, streak="next"))

    assert await shown(store, 1) == ("next", "21")


async def test_what_is_applied_while_the_log_is_asked_is_never_removed(store: RedisHotStore) -> None:
    await applied(store, a_write(1, 20, streak="old"))

    async def registers_meanwhile(users: Sequence[int]) -> Mapping[int, int]:
        await applied(store, *(a_write(user, 30, streak="first") for user in users))
        return {}

    await store.swap("hot", generation=1, names=NAMES, last_rows=registers_meanwhile)

    assert await shown(store, 1) == ("first", "30")


async def test_a_swap_may_be_repeated(store: RedisHotStore) -> None:
    await applied(store, a_write(1, 20), generation=1)
    await swapped(store, {1: 20})

    assert await swapped(store, {1: 20}) == 0

    assert await shown(store, 1) == ("1", "20")


async def test_projections_that_are_rebuilt_at_once_do_not_touch_each_other(store: RedisHotStore) -> None:
    other = HotWrite(1, 10, {"tier": HotValue("gold")})
    await applied(store, other, generation=1, projection="tiers")
    await applied(store, a_write(1, 20), generation=1)

    await store.discard("hot", generation=1)
    await swapped(store, {1: 20})

    async def last_rows(users: Sequence[int]) -> Mapping[int, int]:
        return {1: 20}

    assert await store.swap("tiers", generation=1, names=["tier"], last_rows=last_rows) == 1
    assert await store.read(1, ["tier"]) == {"tier": "gold"}


async def test_a_discarded_generation_is_gone_and_the_live_one_stays(store: RedisHotStore) -> None:
    await applied(store, a_write(1, 10))
    await applied(store, *(a_write(user, 20) for user in range(1, 2_501)), generation=1)

    await store.discard("hot", generation=1)

    assert [key async for key in store.redis.scan_iter("rebuild:*")] == []
    assert await shown(store, 1) == ("1", "10")


async def test_thousands_of_users_are_swapped(store: RedisHotStore) -> None:
    users = range(1, 3_001)
    await applied(store, *(a_write(user, user) for user in users if user % 2))
    await applied(store, *(a_write(user, user + 1) for user in users), generation=1)

    assert await swapped(store, {user: user + 1 for user in users}) == 3_000

    assert [await shown(store, user) for user in (1, 2, 3_000)] == [("1", "2"), ("1", "3"), ("1", "3001")]


async def test_a_store_that_does_not_answer_is_away(tmp_path_factory: pytest.TempPathFactory) -> None:
    nowhere = tmp_path_factory.mktemp("nowhere") / "redis.sock"

    async with RedisHotStore(f"unix://{nowhere}") as away:
        for asking in (
            away.ping(),
            away.read(1, NAMES),
            away.apply("hot", [a_write(1, 1)], mark=1, after_mark=0),
            away.set_mark("hot", 1),
            away.discard("hot", generation=1),
            swapped(away, {}),
        ):
            with pytest.raises(HotStoreAway):
                await asking


async def test_a_user_who_is_forgotten_shows_nothing_and_no_earlier_row_brings_them_back(store: RedisHotStore) -> None:
    await applied(store, a_write(7, 10), a_write(8, 11))

    await store.forget("hot", 7, NAMES, row_id=20)
    await store.apply_apart("hot", [a_write(7, 19)])

    assert await shown(store, 7) == (None, None)
    assert await shown(store, 8) == ("1", "11")


async def test_a_user_is_forgotten_even_if_values_follow_from_a_row_that_is_not_theirs_to_have(
    store: RedisHotStore,
) -> None:
    await applied(store, a_write(7, 1_000))

    await store.forget("hot", 7, NAMES, row_id=20)
    await store.apply_apart("hot", [a_write(7, 999)])

    assert await shown(store, 7) == (None, None)
