"""What a hot store says of itself is what it was told to be."""

from collections.abc import AsyncIterator

import pytest

from casino_club.infra.backends.hot_store import RedisHotStore
from casino_club.infra.ports import HotStoreAway, HotValue, HotWrite


@pytest.fixture
async def told(hot_store: RedisHotStore) -> AsyncIterator[RedisHotStore]:
    """A store whose settings are put back afterwards."""
    names = ("appendonly", "save", "maxmemory-policy")
    before = {name: (await hot_store.redis.config_get(name))[name] for name in names}
    yield hot_store
    for name, value in before.items():
        await hot_store.redis.config_set(name, value or "")


@pytest.mark.parametrize(
    ("appendonly", "save", "survives"), [("yes", "", True), ("no", "3600 1", True), ("no", "", False)]
)
async def test_it_survives_a_restart_if_either_way_of_keeping_is_on(
    told: RedisHotStore, appendonly: str, save: str, survives: bool
) -> None:
    await told.redis.config_set("appendonly", appendonly)
    await told.redis.config_set("save", save)

    assert (await told.facts()).survives_restart is survives


async def test_it_says_what_it_drops_when_full(told: RedisHotStore) -> None:
    await told.redis.config_set("maxmemory-policy", "allkeys-lru")

    assert (await told.facts()).when_full == "allkeys-lru"


async def test_a_store_without_a_mark_has_none(hot_store: RedisHotStore) -> None:
    assert await hot_store.mark_of("hot") is None


@pytest.mark.parametrize("setting", ["maxmemory", "min-replicas-to-write"])
async def test_a_store_that_takes_no_writes_is_away_and_no_row_is_to_blame(
    hot_store: RedisHotStore, setting: str
) -> None:
    await hot_store.redis.config_set(setting, "1")
    try:
        with pytest.raises(HotStoreAway):
            await hot_store.apply("hot", [HotWrite(1, 1, {"seen": HotValue("1")})], mark=1, after_mark=0)
        with pytest.raises(HotStoreAway):
            await hot_store.apply_apart("hot", [HotWrite(1, 1, {"seen": HotValue("1")})])
    finally:
        await hot_store.redis.config_set(setting, "0")
