"""How much a reward is follows kind, level and streak, is never less than the base, and can be looked up."""

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casino_club.entry.wiring import load_amounts
from casino_club.features.protection.commands import resting
from casino_club.features.rewards.commands.amounts import amount_due
from casino_club.features.rewards.rules.amounts import AmountDue, amount_of, amounts_of
from casino_club.features.rewards.rules.rewards import RewardType
from casino_club.infra.db.database import Database
from casino_club.infra.ports import Unusable
from casino_club.infra.settings import Settings
from tests.builders.actions import NOON, a_log
from tests.features.identity import people
from tests.features.identity.conftest import house
from tests.features.rewards.gifts import AMOUNTS, Gifts, a_reward_policy
from tests.features.rewards.test_bonus import stand

__all__ = ["house"]

SHIPPED = tomllib.loads((files("casino_club.features.rewards") / "amounts.toml").read_text())
FREE = "free_coins"


@pytest.fixture
async def gifts(database: Database) -> Gifts:
    await a_log(database).make_room()
    return Gifts(database)


def a_file(**kind: Any) -> dict[str, Any]:
    """The shipped file with another kind."""
    return {**SHIPPED, "kinds": {FREE: {**SHIPPED["kinds"][FREE], **kind}}}


@pytest.mark.parametrize(
    ("level", "streak", "amount"),
    [(0, 0, 500), (0, 1, 505), (0, 10, 550), (0, 500, 550), (1, 0, 525), (2, 3, 566), (3, 0, 600), (3, 10, 650)],
)
def test_the_amount_follows_level_and_streak_up_to_a_bound(level: int, streak: int, amount: int) -> None:
    assert amount_of(FREE, level, streak, AMOUNTS).amount == amount


@given(
    base=st.integers(1, 10**15),
    levels=st.tuples(*(st.integers(100, 1_000) for _ in range(4))),
    step=st.integers(0, 100),
    most=st.integers(100, 1_000),
    level=st.integers(0, 3),
    streak=st.integers(0, 10_000),
)
def test_nobody_gets_less_than_the_base_nor_less_for_a_longer_streak(
    base: int, levels: tuple[int, ...], step: int, most: int, level: int, streak: int
) -> None:
    kind = {"level_percent": list(levels), "streak_percent": step, "percent_max": most}
    policy = amounts_of(a_file(**kind), {FREE: base})

    due = amount_of(FREE, level, streak, policy)

    assert base <= due.amount <= base * most // 100 or due.amount == 10**15
    assert due.amount <= amount_of(FREE, level, streak + 1, policy).amount
    assert due.amount >= amount_of(FREE, level, 0, policy).amount


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (a_file(level_percent=[99, 100, 100, 100]), "level_percent"),
        (a_file(level_percent=[100, 100, 100]), "level_percent"),
        (a_file(percent_max=99), "percent_max"),
        (a_file(streak_percent=-1), "streak_percent"),
        (a_file(streak_percents=1), "streak_percents"),
        (a_file(reward_type="GOLD"), "reward_type"),
        (a_file(base=500), "its base is a setting"),
        ({**SHIPPED, "kinds": {}}, "there is no kind free_coins"),
        ({**SHIPPED, "kinds": {**SHIPPED["kinds"], "login": SHIPPED["kinds"][FREE]}}, "login needs a base"),
        ({**SHIPPED, "worth_coins": {"COIN": 1}}, "worth_coins lacks CYBER_TOKEN, GEM"),
        ({**SHIPPED, "worth_coins": {"COIN": 0, "GEM": 1, "CYBER_TOKEN": 1}}, "worth_coins"),
    ],
)
def test_a_policy_that_cannot_hold_is_refused_with_what_to_mend(value: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        amounts_of(value, {FREE: 500})


@pytest.mark.parametrize("text", [None, "[", "version = 0"])
def test_an_operators_file_that_cannot_be_used_is_named(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "own.toml"
    if text is not None:
        path.write_text(text)

    with pytest.raises(Unusable, match="CASINO_CLUB_REWARD_AMOUNTS"):
        load_amounts(Settings(data_dir=tmp_path, reward_amounts=path))


def test_an_operators_file_holds_in_place_of_the_shipped_one(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    shipped = (files("casino_club.features.rewards") / "amounts.toml").read_text()
    path.write_text(shipped.replace("streak_percent = 1", "streak_percent = 2").replace("version = 1", "version = 2"))

    policy = load_amounts(Settings(data_dir=tmp_path, reward_amounts=path, free_coins=100))

    assert policy.version == 2
    assert amount_of(FREE, 0, 5, policy).amount == 110


async def due_for(gifts: Gifts) -> AmountDue:
    policy = a_reward_policy()
    return await gifts.database.run(lambda db: amount_due(db, gifts.user_id, FREE, now=NOON, policy=policy))


async def test_what_is_due_follows_what_was_handed_down_and_the_streak_as_it_reads_now(gifts: Gifts) -> None:
    unknown = await due_for(gifts)
    await stand(gifts, level=2, streak=4)
    known = await due_for(gifts)
    await stand(gifts, level=2, streak=4, silent_us=31 * 60_000_000)
    away = await due_for(gifts)

    assert unknown == AmountDue(FREE, RewardType.COIN, 500, 500, 0, 100, 0, 100)
    assert known == AmountDue(FREE, RewardType.COIN, 572, 500, 2, 110, 4, 104)
    assert away.amount == 550, "who was away gets all but the plays in a row"


async def test_whom_protection_allows_no_bonus_gets_the_base(gifts: Gifts) -> None:
    await stand(gifts, level=3, streak=10)
    policy = a_reward_policy().protection
    await gifts.database.run(lambda db: resting.pause(db, gifts.user_id, hours=48, now=NOON, policy=policy))

    assert (await due_for(gifts)).amount == 500


async def test_anybody_reads_the_policy_and_users_what_is_theirs(house: people.House) -> None:
    person = await house.person()

    policy = (await house.http.get("/api/rewards/amounts")).json()
    mine = (await person.send("GET", "/api/rewards/amounts/free_coins")).json()
    none = await person.send("GET", "/api/rewards/amounts/tax_return")

    assert policy["worth_coins"] == {"COIN": 1, "CYBER_TOKEN": 10, "GEM": 100}
    assert [(each["kind"], each["base"], each["level_percent"]) for each in policy["kinds"]] == [
        (FREE, 500, [100, 105, 110, 120])
    ]
    assert mine == {
        "kind": FREE,
        "reward_type": "COIN",
        "amount": 500,
        "base": 500,
        "version": 1,
        "level": 0,
        "level_percent": 100,
        "streak": 0,
        "streak_percent": 100,
    }
    assert (none.status_code, none.json()["code"]) == (404, "kind_missing")
