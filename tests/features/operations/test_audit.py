"""Every changing route for staff leaves its deed; one that leaves none is found, and so is one that nobody tries."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest

from casino_club.entry.wiring import ROUTES
from casino_club.features.odds.commands import versions
from casino_club.features.protection.rules.standing import Status
from casino_club.features.rewards.commands import proposing
from casino_club.features.rewards.rules.proposals import Wish
from casino_club.features.rewards.rules.rewards import Reward, RewardType
from casino_club.features.shop.commands import publishing
from casino_club.features.shop.rules.shipped import shipped_catalogue
from casino_club.features.wallet.commands import correcting
from casino_club.features.wallet.rules.accounts import House as Ledger
from casino_club.features.wallet.rules.accounts import Pocket
from casino_club.features.wallet.rules.orders import Give
from casino_club.infra.audit import deeds
from casino_club.infra.audit.chain import Deed
from casino_club.infra.audit.verify import verify
from casino_club.infra.audit.witness import Witness
from casino_club.infra.db.database import Database
from casino_club.infra.http.problems import RoleMissing
from casino_club.infra.http.routes import Audience, Route, Routes, name_of
from casino_club.infra.jobs import runs
from casino_club.infra.log import parked
from casino_club.kernel.subject import Role, Scope, UserSubject
from tests.builders import odds
from tests.builders.logs import with_rows
from tests.builders.odds import a_table
from tests.features.actions.club import a_key
from tests.features.identity.people import House, open_house
from tests.features.odds.house import make_live
from tests.features.protection.guarding import Guard, a_protection_policy
from tests.features.rewards.gifts import a_reward_policy
from tests.features.shop.counter import items, open_counter
from tests.features.shop.test_publishing import approved, drafted
from tests.features.wallet.purse import Purse, a_wallet_policy
from tests.infra.http.application import application, as_user, client

CHALLENGER = a_table(odds.prizes((1, [10, 80, 10])))
CHANGING = [route for each in ROUTES for route in each if route.audience is Audience.STAFF and route.method != "GET"]

Way = Callable[[House], Awaitable[tuple[dict[str, object], Any]]]
"""Prepares what a route works on: its path's parameters, and a body."""


@pytest.fixture
async def house(database: Database, database_url: str, redis_url: str) -> AsyncIterator[House]:
    async with open_house(database, database_url, redis_url) as opened:
        yield opened


async def a_user(house: House) -> tuple[dict[str, object], Any]:
    return {"user_id": (await house.person()).user_id}, None


async def a_user_and_roles(house: House) -> tuple[dict[str, object], Any]:
    return {"user_id": (await house.person()).user_id}, {"roles": ["viewer"]}


async def a_job(_: House) -> tuple[dict[str, object], Any]:
    return {"name": "make_room"}, None


async def a_failed_run(house: House) -> tuple[dict[str, object], Any]:
    async with house.database.transaction() as db:
        await runs.add(db, "make_room", datetime.now(UTC))
        held = await runs.claim(db, "make_room", None, lease_seconds=60)
        assert held is not None
        await runs.finish(db, held, error_code="no_luck")
    return {"run_id": held.id}, None


async def a_parked_row(house: House) -> tuple[dict[str, object], Any]:
    [row_id] = await with_rows(house.database, [1])
    async with house.database.transaction() as db:
        await parked.park(db, "hot", row_id, reason="ValueError()", attempts=3)
    return {"consumer": "hot", "action_id": row_id}, None


async def a_refused_action(house: House) -> tuple[dict[str, object], Any]:
    sender = await house.person()
    await sender.send("POST", "/api/actions", {"action_type": "NO_SUCH_TYPE"})
    async with house.database.connection() as db:
        return {"refused_id": await db.fetchval("SELECT max(id) FROM refused_actions")}, None


async def a_correction(house: House) -> tuple[dict[str, object], Any]:
    refused, _ = await a_refused_action(house)
    view = {"action_type": "VIEW_CONTENT", "metadata": {"content_id": "teaser-1"}}
    return refused, {"action": view}


async def a_table_of_odds(house: House) -> tuple[dict[str, object], Any]:
    await make_live(house.database, a_table())  # before there is a draft, since it gives way to the operator's tables
    return {}, {"table": json.loads(CHALLENGER.text)}


async def drafted_odds(house: House) -> int:
    async with house.database.transaction() as db:
        return (await versions.draft(db, CHALLENGER, live_at=None, by=UserSubject(10**6), now=datetime.now(UTC))).id


async def a_draft_of_odds(house: House) -> tuple[dict[str, object], Any]:
    return {"version_id": await drafted_odds(house)}, None


async def a_live_product(house: House) -> tuple[dict[str, object], Any]:
    await make_live(house.database, a_table())
    return {"product": a_table().product}, {"because": "it looks odd"}


async def the_resting_product(_: House) -> tuple[dict[str, object], Any]:
    """The one that the route before this one has paused."""
    return {"product": a_table().product}, {"because": "it looked odd"}


async def a_challenger(house: House) -> tuple[dict[str, object], Any]:
    await a_live_product(house)
    draft = await drafted_odds(house)
    async with house.database.transaction() as db:
        for person in (UserSubject(10**6 + 1), UserSubject(10**6 + 2)):
            await versions.approve(db, draft, by=person, now=datetime.now(UTC))
    return {}, {"version_id": draft, "share_permille": 500}


async def a_trial_of_odds(house: House) -> tuple[dict[str, object], Any]:
    async with house.database.connection() as db:
        return {"trial_id": await db.fetchval("SELECT max(id) FROM odds_trials")}, None


async def a_large_transaction(house: House) -> tuple[dict[str, object], Any]:
    posted = await Purse(house.database, a_wallet_policy()).post(Give(Pocket.COINS, 2_000, Ledger.GRANTS, "welcome"))
    return {}, {"transaction_id": posted.tx_id, "because": "posted twice"}


async def a_proposed_correction(house: House) -> tuple[dict[str, object], Any]:
    _, wanted = await a_large_transaction(house)
    async with house.database.transaction() as db:
        proposed = await correcting.propose(
            db,
            wanted["transaction_id"],
            because="posted twice",
            by=UserSubject(10**6),
            now=datetime.now(UTC),
            policy=a_wallet_policy(),
        )
    return {"correction_id": proposed.id}, None


async def a_user_to_protect(house: House) -> tuple[dict[str, object], Any]:
    user, _ = await a_user(house)
    return user, {"status": "limited", "because": "it was too much"}


async def a_user_under_protection(house: House) -> tuple[dict[str, object], Any]:
    user, _ = await a_user(house)
    guard = Guard(house.database, a_protection_policy(), int(str(user["user_id"])))
    await guard.impose(Status.PROTECTED, days=90, now=datetime.now(UTC))
    return user, {"because": "it was somebody else"}


async def a_gift(house: House) -> tuple[dict[str, object], Any]:
    wanted = {"key": str(uuid4()), "user_id": (await house.person()).user_id, "because": "a long wait"}
    return {}, {**wanted, "reward_type": "GEM", "reward_value": 5}


async def a_proposed_gift(house: House) -> tuple[dict[str, object], Any]:
    wish = Wish((await house.person()).user_id, Reward(RewardType.GEM, 5_000), "a long wait")
    by, policy = UserSubject(10**6), a_reward_policy()
    async with house.database.transaction() as db:
        proposal = await proposing.propose(db, wish, key=uuid4(), by=by, now=datetime.now(UTC), policy=policy)
    return {"proposal_id": proposal.id}, None


async def a_catalogue(_: House) -> tuple[dict[str, object], Any]:
    return {}, {"catalogue": json.loads(shipped_catalogue().text)}


async def a_drafted_catalogue(house: House) -> tuple[dict[str, object], Any]:
    async with house.database.transaction() as db:
        made = await publishing.draft(
            db, shipped_catalogue(), live_at=None, by=UserSubject(10**6), now=datetime.now(UTC)
        )
    return {"version_id": made.id}, None


async def the_drafted_catalogue(house: House) -> tuple[dict[str, object], Any]:
    """The one that the route before this one has approved, which takes a second person."""
    values, _ = await a_drafted_catalogue(house)
    return values, None


async def a_settled_purchase(house: House) -> tuple[dict[str, object], Any]:
    counter = await open_counter(house.database)
    await approved(counter, await drafted(counter, items()))  # nothing ships where something was drafted before
    return {"number": (await counter.paid()).id}, {"because": "they asked"}


WAYS: Mapping[str, Way] = {
    "write_roles": a_user_and_roles,
    "ban_user": a_user,
    "unban_user": a_user,
    "ask_for_run": a_job,
    "pause_job": a_job,
    "resume_job": a_job,
    "retry_run": a_failed_run,
    "retry_parked": a_parked_row,
    "drop_parked": a_parked_row,
    "replay_refused": a_correction,
    "dismiss_refused": a_refused_action,
    "draft_odds": a_table_of_odds,
    "approve_odds": a_draft_of_odds,
    "withdraw_odds": a_draft_of_odds,
    "pause_odds": a_live_product,
    "resume_odds": the_resting_product,
    "begin_odds_trial": a_challenger,
    "end_odds_trial": a_trial_of_odds,
    "propose_correction": a_large_transaction,
    "impose_protection": a_user_to_protect,
    "release_protection": a_user_under_protection,
    "approve_correction": a_proposed_correction,
    "withdraw_correction": a_proposed_correction,
    "draft_catalogue_version": a_catalogue,
    "approve_catalogue": a_drafted_catalogue,
    "withdraw_catalogue": the_drafted_catalogue,
    "refund_purchase": a_settled_purchase,
    "propose_reward": a_gift,
    "approve_reward": a_proposed_gift,
    "withdraw_reward": a_proposed_gift,
}


async def without_deed(
    http: httpx.AsyncClient, routes: Iterable[Route], house: House, headers: Mapping[str, str], actor: str
) -> list[str]:
    """Routes that changed something and left no deed of their own name, or that nobody knows how to call."""
    found = []
    for route in routes:
        name = name_of(route)
        if name not in WAYS:
            found.append(f"{name}: say in WAYS how it is called")
            continue
        values, body = await WAYS[name](house)
        answer = await http.request(
            route.method, route.path.format(**values), json=body, headers={**headers, "x-request-id": f"try-{name}"}
        )
        left = [(each.verb, each.actor) for each in await every(house) if each.request_id == f"try-{name}"]
        if not answer.is_success or left != [(name, actor)]:
            found.append(f"{name}: answered {answer.status_code} and left {left}")
    return found


async def every(house: House) -> list[Deed]:
    async with house.database.connection() as db:
        return await deeds.listed(db, limit=1_000)


async def test_every_changing_route_for_staff_leaves_its_deed(house: House) -> None:
    admin = await house.staff(Role.ADMIN)
    headers = {"authorization": f"Bearer {admin.access_token}"}

    assert await without_deed(house.http, CHANGING, house, headers, f"user:{admin.user_id}") == []

    async with house.database.connection() as db:
        assert (await verify(db)).fault is None
    by_admin = {each.session_id for each in await every(house) if each.actor == f"user:{admin.user_id}"}
    assert by_admin == {max(await admin.session_ids())}


async def test_every_changing_route_for_programs_leaves_its_deed(house: House) -> None:
    headers = await a_key(house.database, "loader")
    for_programs = [route for route in CHANGING if route.scope is not None]

    assert for_programs
    assert await without_deed(house.http, for_programs, house, headers, "service_key:1") == []


async def test_a_route_that_leaves_no_deed_is_found_and_so_is_one_that_nobody_tries(house: House) -> None:
    async def ban_user(user_id: int) -> tuple[int, None]:
        return 204, None

    async def crown_user(user_id: int) -> tuple[int, None]:
        return 204, None

    planted = Routes(tags=["x"])
    for endpoint in (ban_user, crown_user):
        path = f"/api/admin/{endpoint.__name__}/{{user_id}}"
        planted.post(path, audience=Audience.STAFF, roles=(Role.ADMIN,), summary="x", answers={204: None})(endpoint)

    async with client(application(planted)) as http:
        found = await without_deed(http, planted, house, as_user(1, Role.ADMIN), "user:1")

    assert found == ["ban_user: answered 204 and left []", "crown_user: say in WAYS how it is called"]


async def test_what_was_refused_leaves_no_deed(house: House) -> None:
    admin = await house.staff(Role.ADMIN)

    await admin.send("POST", "/api/admin/users/999999/ban")
    await admin.send("POST", f"/api/admin/users/{admin.user_id}/ban")

    assert await every(house) == []


async def test_staff_without_the_role_are_noted_once_and_users_never(house: House) -> None:
    person, viewer = await house.person(), await house.staff(Role.VIEWER)

    for _ in range(3):
        await viewer.send("POST", f"/api/admin/users/{person.user_id}/ban")
        await viewer.send("GET", "/api/admin/audit")
        await person.send("POST", f"/api/admin/users/{viewer.user_id}/ban")

    noted = [(each.actor, each.verb, each.refused_as) for each in await every(house)]
    assert noted == [
        (f"user:{viewer.user_id}", "read_audit", "role_missing"),
        (f"user:{viewer.user_id}", "ban_user", "role_missing"),
    ]


async def test_a_refusal_is_noted_again_after_a_while(house: House) -> None:
    at = [0.0]
    witness = Witness(house.database, monotonic=lambda: at[0])

    for seconds in (0, 599, 600, 601):
        at[0] = seconds
        await witness.turned_away(UserSubject(7), "ban_user", RoleMissing("no"))

    assert len(await every(house)) == 2


async def test_admins_and_nobody_else_read_the_audit_a_page_at_a_time(house: House) -> None:
    admin, support = await house.staff(Role.ADMIN), await house.staff(Role.SUPPORT)
    people = [(await house.person()).user_id for _ in range(3)]
    for user_id in people:
        await support.send("POST", f"/api/admin/users/{user_id}/ban")
    path = f"/api/admin/audit?actor=user:{support.user_id}&verb=ban_user&limit=2"

    first = (await admin.send("GET", path)).json()
    rest = (await admin.send("GET", f"{path}&cursor={first['next_cursor']}")).json()

    assert [each["target"] for each in first["deeds"] + rest["deeds"]] == [f"user:{each}" for each in people[::-1]]
    assert rest["next_cursor"] is None
    assert (await admin.send("GET", "/api/admin/audit?target=user:0")).json()["deeds"] == []
    assert (await admin.send("GET", "/api/admin/audit?until=2020-01-01T00:00:00Z")).json()["deeds"] == []
    assert (await support.send("GET", "/api/admin/audit")).json()["code"] == "role_missing"
    key = await a_key(house.database, "loader", list(Scope))
    assert (await house.http.get("/api/admin/audit", headers=key)).json()["code"] == "wrong_audience"
