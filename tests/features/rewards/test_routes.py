"""Rewards over HTTP: one's own history, others' for whoever may see it, and what staff give."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from casino_club.features.rewards.rules.rewards import RewardType
from casino_club.kernel.subject import Role, Scope
from tests.builders.actions import NOON
from tests.features.actions.club import a_key
from tests.features.identity import people
from tests.features.identity.conftest import house
from tests.features.rewards.gifts import SAMPLES, Gifts
from tests.features.wallet.purse import Purse, a_wallet_policy

__all__ = ["house"]

PROPOSALS = "/api/admin/reward-proposals"


@pytest.fixture
def gifts(house: people.House) -> Gifts:
    return Gifts(house.database)


async def test_somebody_new_was_given_nothing(house: people.House) -> None:
    person = await house.person()

    shown = (await person.send("GET", "/api/rewards")).json()
    held = (await person.send("GET", "/api/rewards/held")).json()

    assert shown == {"user_id": person.user_id, "rewards": [], "next_cursor": None}
    assert held == {"badges": [], "coupons": [], "free_spins": []}


async def test_users_page_through_what_they_were_given_by_type_and_period(house: people.House, gifts: Gifts) -> None:
    person, other = await house.person(), await house.person()
    for day, reward in enumerate(SAMPLES.values()):
        await gifts.of(person.user_id).give(reward, now=NOON + timedelta(days=day))
    await gifts.of(other.user_id).give(SAMPLES[RewardType.GEM])

    seen: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await person.send("GET", f"/api/rewards?limit=3{cursor}")).json()
        seen += page["rewards"]
        cursor = f"&cursor={page['next_cursor']}" if page["next_cursor"] else None
    badges = (await person.send("GET", "/api/rewards?reward_type=BADGE")).json()["rewards"]
    period = "since=2026-11-21T03:00:00Z&until=2026-11-23T03:00:00Z"
    within = (await person.send("GET", f"/api/rewards?{period}")).json()["rewards"]
    wrong = await person.send("GET", "/api/rewards?reward_type=GOLD")

    assert [each["reward_type"] for each in seen] == [kind.value for kind in reversed(SAMPLES)]
    assert [(each["reference"], each["reason"]) for each in badges] == [("star-badge", "mission")]
    assert [each["reward_type"] for each in within] == ["CYBER_TOKEN", "GEM"]
    assert wrong.status_code == 422


async def test_a_history_is_shown_to_its_user_to_support_and_to_services_and_to_nobody_else(
    house: people.House, gifts: Gifts
) -> None:
    person, other = await house.person(), await house.person()
    support, marketer = await house.staff(Role.SUPPORT), await house.staff(Role.MARKETER)
    reader = await a_key(house.database, "reader", [Scope.REWARDS_READ])
    no_reader = await a_key(house.database, "no-reader", [Scope.WALLET_READ])
    await gifts.of(person.user_id).give(SAMPLES[RewardType.GEM])
    there = f"/api/users/{person.user_id}/rewards"

    shown = [(await each.send("GET", there)).json()["rewards"] for each in (person, support)]
    shown.append((await house.http.get(there, headers=reader)).json()["rewards"])
    kept_out = [await each.send("GET", there) for each in (other, marketer)]
    without = await house.http.get(there, headers=no_reader)

    assert [len(each) for each in shown] == [1, 1, 1]
    assert [(each.status_code, each.json()["code"]) for each in kept_out] == [(404, "user_missing")] * 2
    assert without.json()["code"] == "scope_missing"


async def proposed(person: people.Person, user_id: int, value: int, **more: Any) -> httpx.Response:
    body = {"key": str(uuid4()), "user_id": user_id, "reward_type": "GEM", "reward_value": value, **more}
    return await person.send("POST", PROPOSALS, {"because": "a long wait", **body})


async def deeds(house: people.House) -> list[str]:
    async with house.database.connection() as db:
        rows = await db.fetch("SELECT verb FROM deeds WHERE target LIKE 'reward_proposal:%' ORDER BY id")
    return [row[0] for row in rows]


async def test_a_small_reward_is_given_by_one_at_once_and_once_for_its_key(house: people.House) -> None:
    person, support = await house.person(), await house.staff(Role.SUPPORT)
    key = str(uuid4())

    made = await asyncio.gather(*(proposed(support, person.user_id, 1_000, key=key) for _ in range(10)))
    other = await proposed(support, person.user_id, 999, key=key)

    assert {each.status_code for each in made} == {201}
    assert len({each.json()["reward_id"] for each in made}) == 1
    assert (other.status_code, other.json()["code"]) == (409, "key_reused")
    assert (await person.send("GET", "/api/wallet")).json()["pending_gems"] == 1_000
    assert await deeds(house) == ["propose_reward"]


async def test_a_large_one_takes_a_second_person(house: people.House) -> None:
    person, support, admin = await house.person(), await house.staff(Role.SUPPORT), await house.staff(Role.ADMIN)

    proposal = (await proposed(support, person.user_id, 1_001)).json()
    there = f"{PROPOSALS}/{proposal['id']}"
    alone = await support.send("POST", f"{there}/approve")
    pending_before = (await person.send("GET", "/api/wallet")).json()["pending_gems"]
    listed = (await admin.send("GET", f"{PROPOSALS}?is_open=true")).json()["proposals"]
    both = await asyncio.gather(*(admin.send("POST", f"{there}/approve") for _ in range(5)))
    late = await admin.send("POST", f"{there}/withdraw")

    assert (alone.status_code, alone.json()["code"]) == (403, "second_person_needed")
    assert pending_before == 0
    assert [each["id"] for each in listed] == [proposal["id"]]
    assert sorted(each.status_code for each in both) == [200, 409, 409, 409, 409]
    assert late.json()["code"] == "proposal_settled"
    assert (await person.send("GET", "/api/wallet")).json()["pending_gems"] == 1_001
    assert await deeds(house) == ["propose_reward", "approve_reward"]


async def test_what_was_withdrawn_is_given_no_more(house: people.House) -> None:
    person, support, admin = await house.person(), await house.staff(Role.SUPPORT), await house.staff(Role.ADMIN)
    proposal = (await proposed(support, person.user_id, 5_000)).json()
    there = f"{PROPOSALS}/{proposal['id']}"

    await support.send("POST", f"{there}/withdraw")
    late = await admin.send("POST", f"{there}/approve")
    missing = await admin.send("POST", f"{PROPOSALS}/{10**9}/approve")

    assert [each.json()["code"] for each in (late, missing)] == ["proposal_settled", "proposal_missing"]
    assert (await person.send("GET", "/api/rewards")).json()["rewards"] == []


async def test_staff_give_nothing_to_whom_protection_has_excluded(house: people.House, gifts: Gifts) -> None:
    person, support = await house.person(), await house.staff(Role.SUPPORT)
    await gifts.of(person.user_id).exclude()

    answer = await proposed(support, person.user_id, 5)

    assert (answer.status_code, answer.json()["code"]) == (403, "protection_excluded")
    assert (await support.send("GET", PROPOSALS)).json()["proposals"] == []
    assert await Purse(house.database, a_wallet_policy()).holds(person.user_id) == {}


@pytest.mark.parametrize(
    "body",
    [
        *({"reward_value": value} for value in (0, -5, 1.5, "5", None)),
        {"reward_type": "GOLD"},
        {"reward_type": "BADGE", "reward_value": 1},
        {"reference": "star-badge"},
        {"because": ""},
        {"colour": "red"},
    ],
)
async def test_what_is_no_reward_is_refused_and_nothing_is_given(house: people.House, body: dict[str, Any]) -> None:
    person, support = await house.person(), await house.staff(Role.SUPPORT)

    answer = await proposed(support, person.user_id, 5, **body)

    assert answer.status_code == 422
    assert (await person.send("GET", "/api/rewards")).json()["rewards"] == []
    assert await deeds(house) == []


async def test_gems_that_were_given_can_be_claimed(house: people.House, gifts: Gifts) -> None:
    person = await house.person()
    await gifts.of(person.user_id).give(SAMPLES[RewardType.GEM])

    claimed = (await person.send("POST", "/api/wallet/claims", {"key": str(uuid4()), "gems": 5})).json()

    assert (claimed["gem_balance"], claimed["pending_gems"]) == (5, 0)
